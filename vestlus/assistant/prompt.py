"""The prompt: our rules, the account's texts, the moment, and the conversation.

What is the same for every user and minute comes first and is byte for byte the same, so that the
provider can cache it; the date and time, and what was found for one question, come after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Final, Literal
from zoneinfo import ZoneInfo

from vestlus.assistant.knowledge import Passage
from vestlus.assistant.offers import Offer
from vestlus.assistant.pictures import OfferedPicture
from vestlus.assistant.port import Question
from vestlus.assistant.rules import rules
from vestlus.assistant.schema import REPLY, REPLY_WITH_PICTURES, Form
from vestlus.assistant.sections import (
    facts_section,
    knowledge_section,
    named_persona,
    one_line,
    pictures_section,
)
from vestlus.assistant.vision import Seen
from vestlus.conversation.history import (
    CHARACTERS_PER_TOKEN,
    HistoryMessage,
    Role,
    newest_within,
)
from vestlus.settings_account import Account

#: Tokens of conversation in a prompt: some 40 to 60 messages of a chat, at a price of a fraction
#: of a cent with a small model. Older messages are rarely what a question is about.
DEFAULT_HISTORY_TOKENS: Final = 6_000

#: Stands before what a person at the account's side wrote.
STAFF_MARK: Final = "[staff]"

#: Begins the turn that stands for messages which are no longer in the prompt.
SUMMARY_MARK: Final = "[Summary of earlier messages:"

#: Stands for a message of which nothing could be put into words.
NO_TEXT: Final = "[no text]"

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Turn:
    """One message as the model sees it. ``images``: addresses of what it is shown with it."""

    role: Literal["user", "assistant"]
    text: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that the model is told, in the order in which providers cache it best."""

    #: Rules, account, facts, persona, and what is listed whole: the same for all users of the
    #: account.
    instructions: str
    #: Tells versions of the instructions apart for the provider's cache; at most 64 characters.
    cache_key: str
    history: tuple[Turn, ...]
    #: The moment: date, weekday, time and zone, and what belongs to this question; may be empty.
    now: str
    #: The unanswered messages; at least one.
    messages: tuple[Turn, ...]
    #: In which the model answers.
    form: Form = REPLY

    @property
    def characters(self) -> int:
        """How much it is, without its pictures."""
        turns = sum(len(turn.text) for turn in (*self.history, *self.messages))
        return len(self.instructions) + len(self.now) + turns

    @property
    def shows_images(self) -> bool:
        """Whether pictures are shown to the model."""
        return any(turn.images for turn in self.messages)

    def without_images(self) -> Prompt:
        """The same in words alone."""
        return replace(self, messages=tuple(Turn(turn.role, turn.text) for turn in self.messages))

    def without_past(self) -> Prompt:
        """The same with nothing of what was said before the unanswered messages."""
        return replace(self, history=())

    def with_remark(self, remark: str) -> Prompt:
        """The same with one more sentence about what is asked for."""
        return replace(self, now=f"{self.now}\n{remark}".strip())


def build_prompt(
    question: Question,
    account: Account,
    persona: str,
    *,
    history_tokens: int,
    offer: Offer | None = None,
    seen: Seen | None = None,
) -> Prompt:
    """The prompt of a question. History and unanswered messages share the token budget.

    The newest unanswered message is always in it, cut to the budget if need be. ``offer``: the
    pictures and passages for it; ``seen``: the pictures that came with the messages.
    """
    offer, seen = offer or Offer(), seen or Seen()
    kept = newest_within((*question.history, *question.messages), history_tokens) or (
        _cut(question.messages[-1], history_tokens),
    )
    first_unanswered = len(kept) - min(len(kept), len(question.messages))
    instructions, version = _instructions(
        said=rules(account),
        facts=account.facts,
        name=account.name,
        persona=persona,
        passages=offer.passages.items if offer.passages.whole else (),
        pictures=offer.pictures.items if offer.pictures.whole else (),
    )
    return Prompt(
        instructions=instructions,
        cache_key=f"{account.id}-{version}",
        history=(*_summed_up(question), *_turns(kept[:first_unanswered], Seen())),
        now=_moment(question, account, offer),
        messages=tuple(_turns(kept[first_unanswered:], seen)),
        form=REPLY_WITH_PICTURES if _has_pictures(offer) else REPLY,
    )


@lru_cache(maxsize=256)  # one entry per account and version of its texts
def _instructions(
    *,
    said: str,
    facts: tuple[str, ...],
    name: str,
    persona: str,
    passages: tuple[Passage, ...],
    pictures: tuple[OfferedPicture, ...],
) -> tuple[str, str]:
    """The instructions, and what tells them from others."""
    sections = (
        said,
        facts_section(facts),
        named_persona(name, persona),
        knowledge_section(passages),
        pictures_section(pictures),
    )
    text = "\n".join(filter(None, sections))
    return text, version_of(text)


def version_of(instructions: str) -> str:
    """A short word that differs when the instructions do."""
    return blake2b(instructions.encode(), digest_size=8).hexdigest()


def _moment(question: Question, account: Account, offer: Offer) -> str:
    local = datetime.fromtimestamp(question.now_ms / 1000, UTC).astimezone(
        ZoneInfo(account.timezone)
    )
    said = [f"Now: {_WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M} ({account.timezone})."]
    if question.language:
        said.append(f"Language of the conversation so far: {one_line(question.language)}.")
    if question.pictures_sent:
        sent = ", ".join(question.pictures_sent)
        said.append(f"Pictures already sent in this conversation: {sent}.")
    if not offer.passages.whole:
        said.append(knowledge_section(offer.passages.items) or NOTHING_FOUND)
    if not offer.pictures.whole:
        said.append(pictures_section(offer.pictures.items) or NO_PICTURE_FITS)
    return "\n".join(filter(None, said))


#: Said to the model when the account has documents and none of them fits.
NOTHING_FOUND: Final = "The account's documents have nothing about these messages."

#: Said where the account's pictures are searched and none can be listed.
NO_PICTURE_FITS: Final = "There is no list of pictures for these messages: send none."


def _has_pictures(offer: Offer) -> bool:
    """Whether the account has any, found for this question or not.

    The form of the answer is part of what providers cache, and so must not change with the
    question.
    """
    return bool(offer.pictures.items) or not offer.pictures.whole


def _summed_up(question: Question) -> Iterator[Turn]:
    """The summary as the user's turn: it is made of users' words, which instruct nobody."""
    if question.summary.strip():
        yield Turn("user", f"{SUMMARY_MARK} {one_line(question.summary)}]")


def _cut(message: HistoryMessage, budget_tokens: int) -> HistoryMessage:
    return replace(message, text=message.text[: int(budget_tokens * CHARACTERS_PER_TOKEN)])


def _turns(messages: Sequence[HistoryMessage], seen: Seen) -> Iterator[Turn]:
    for message in messages:
        text = "\n".join(filter(None, (readable(message.text), *seen.words(message)))) or NO_TEXT
        match message.role:
            case Role.USER:
                yield Turn("user", text, seen.shown(message))
            case Role.ASSISTANT:
                yield Turn("assistant", text)
            case Role.OPERATOR:
                yield Turn("assistant", f"{STAFF_MARK} {text}")


def readable(text: str) -> str:
    """The text as UTF-8 can carry it, without white space around it.

    Instagram cuts long texts, at times in the middle of a surrogate pair.
    """
    return text.encode("utf-8", errors="replace").decode().strip()
