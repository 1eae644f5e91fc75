"""What an account says in fixed words, in the user's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from vestlus.conversation.allowance import Allowance
from vestlus.conversation.disclosure import disclosure_text
from vestlus.conversation.handing_over import handover_text
from vestlus.conversation.hours import parse_holiday, parse_opening, people_back
from vestlus.conversation.language import guess_language
from vestlus.conversation.phrases import Phrase, say, say_own
from vestlus.conversation.words import Command, Commands
from vestlus.settings_account import DEFAULT_ZONE, Account

_commands = Commands()


@dataclass(frozen=True, slots=True)
class Voice:
    """An account's fixed texts. ``account`` is ``None`` for one that is not in the settings."""

    account: Account | None

    @property
    def _language(self) -> str:
        return self.account.language if self.account else "et"

    def language(self, known: str, texts: Sequence[str]) -> str:
        """The language to speak: the one known of the conversation, else a guess."""
        return known or guess_language(texts, self._language)

    def command(self, text: str | None) -> Command | None:
        """What a message asks for in so many words."""
        if not text:
            return None
        account = self.account
        return _commands.of(
            text,
            person_words=account.handover_words if account else (),
            emergency_words=account.emergency_words if account else (),
        )

    def disclosure(self, language: str) -> str:
        """That an automated assistant answers; empty where the account says so itself."""
        account = self.account
        if account is None or not account.disclosure:
            return ""
        return disclosure_text(
            language=language,
            name=account.name,
            privacy_url=account.privacy_url,
            texts=account.disclosure_texts,
            account_language=account.language,
        )

    def handover(self, language: str, now_ms: int) -> str:
        """That a person will answer, and when people are back."""
        account = self.account
        return handover_text(
            now=self._local(now_ms),
            openings=[parse_opening(one) for one in account.working_hours] if account else [],
            holidays=[parse_holiday(one) for one in account.holidays] if account else [],
            language=language,
            account_language=self._language,
        )

    def when_people_are_back(self, language: str, now_ms: int) -> str:
        """The same, only where nobody is there now and it is known when somebody will be."""
        if self.account is None or not self.account.working_hours:
            return ""
        now = self._local(now_ms)
        openings = [parse_opening(one) for one in self.account.working_hours]
        holidays = [parse_holiday(one) for one in self.account.holidays]
        back = people_back(now, openings, holidays)
        return "" if back in (None, now) else self.handover(language, now_ms)

    def apology(self, language: str) -> str:
        """That no answer can be given now."""
        texts = self.account.apology_texts if self.account else {}
        return say_own(texts, Phrase.APOLOGY, language, account_language=self._language)

    @property
    def allowance(self) -> Allowance:
        """How often each user may have the model asked."""
        account = self.account
        if account is None:
            return Allowance()
        return Allowance(account.answers_per_user_hour or 0, account.answers_per_user_day or 0)

    def limited(self, language: str) -> str:
        """That there are no more answers for a while."""
        texts = self.account.limit_texts if self.account else {}
        return say_own(texts, Phrase.LIMITED, language, account_language=self._language)

    def emergency(self, language: str) -> str:
        """What helps somebody in danger."""
        texts = self.account.emergency_texts if self.account else {}
        return say_own(texts, Phrase.EMERGENCY, language, account_language=self._language)

    def fixed(self, phrase: Phrase, language: str) -> str:
        """One of the project's own texts that needs no values."""
        return say(phrase, language or self._language, account_language=self._language)

    def _local(self, now_ms: int) -> datetime:
        zone = ZoneInfo(self.account.timezone if self.account else DEFAULT_ZONE)
        return datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
