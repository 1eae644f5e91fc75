"""The assistant: gathers what an answer may rest on, asks the model, and checks what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from vestlus import tracing
from vestlus.assistant.asking import Asking
from vestlus.assistant.checking import given
from vestlus.assistant.failures import Reason
from vestlus.assistant.masked import Hidden, hide, hide_past
from vestlus.assistant.model_server import ModelServer
from vestlus.assistant.moderating import (
    concern_of_answer,
    concern_of_messages,
    provider_moderates,
)
from vestlus.assistant.moderation import Moderator
from vestlus.assistant.offers import Offers
from vestlus.assistant.persona import PersonaFiles
from vestlus.assistant.port import Past, Question
from vestlus.assistant.prompt import build_prompt
from vestlus.assistant.refused_pasts import RefusedPasts
from vestlus.assistant.schema import cut_summary
from vestlus.assistant.spending import Purpose, paid_by
from vestlus.assistant.summing_up import SummingUp
from vestlus.assistant.vision import PictureSource, Seen, look
from vestlus.conversation.masking import mask
from vestlus.conversation.reply import Concern, Reply
from vestlus.errors import AssistantError, AssistantRefused, AssistantUnavailable
from vestlus.settings_account import Account

#: A summary waits no longer for the key's rate limit: meanwhile it keeps one of the few places for
#: summaries of all accounts, and it is made after another turn.
_SUMMARY_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an OpenAIAssistant is made of.

    ``own_server``: OPENAI_BASE_URL is set. ``history_tokens``: how much of a conversation a
    prompt holds.
    """

    server: ModelServer
    accounts: Callable[[str], Account | None]
    personas: PersonaFiles
    offers: Offers
    moderator: Moderator
    media: PictureSource
    own_server: bool
    history_tokens: int
    #: Called first when the assistant is closed, in this order; each safe to call twice.
    closing: tuple[Callable[[], Awaitable[None]], ...] = ()


class OpenAIAssistant:
    """Answers with a model of OpenAI's or of a compatible server. See Assistant.

    Keeps no state of conversations, but for which pasts the provider's filter refuses: see
    RefusedPasts. The provider gets the account's texts, the conversation's texts with masked data
    where the account asks for it, pictures of unanswered messages where it allows it, and a
    pseudonym of the user; it is asked to store nothing.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._refused = RefusedPasts()

    async def reply(self, question: Question) -> Reply:
        """See Assistant. The reasons of its errors are those of ``failures.Reason``, and
        ``circuit_open``.

        The messages are moderated while the model answers them; a concern ends its work.
        """
        account = self._account(question.account)
        question = self._refused.since(question)
        hidden = hide(question, account.mask, self._texts(account))
        seen = await self._look(account, question)
        answering = asyncio.create_task(
            self._answer(account, question, hidden, seen), name="answering"
        )
        # Nobody waits for it any more when there is a concern; its failure is of no interest then.
        answering.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            texts = [message.text for message in hidden.question.messages]
            finding = await self._parts.moderator.check(account, texts, seen.jpegs)
            concern = concern_of_messages(finding, account)
            return _instead(concern) if concern else await answering
        finally:
            answering.cancel()

    async def summarise(self, past: Past) -> str:
        """See Assistant: at most 1,200 characters."""
        account = self._account(past.account)
        hidden, restore = hide_past(past, account.mask, self._texts(account))
        summing_up = SummingUp(hidden, account=account.id)

        summary = await self._parts.server.ask(
            account,
            past.user,
            summing_up.attempt,
            purpose=Purpose.SUMMARY,
            later=True,
            patience=_SUMMARY_SECONDS,
        )
        return cut_summary(restore(summary))

    async def aclose(self) -> None:
        """Closes connections. Safe to call twice; later questions are refused."""
        for close in self._parts.closing:
            await close()
        await self._parts.server.aclose()
        await self._parts.media.aclose()

    def _account(self, account: str) -> Account:
        found = self._parts.accounts(account)
        if found is None:
            raise AssistantUnavailable(Reason.ACCOUNT_UNKNOWN.value)
        return found

    def _texts(self, account: Account) -> tuple[str, ...]:
        """What the account says of itself in every prompt."""
        return self._parts.personas.text(account), account.name, *account.facts

    async def _look(self, account: Account, question: Question) -> Seen:
        if not (account.vision and any(one.images for one in question.messages)):
            return Seen()
        with tracing.here("pictures"):
            return await look(question.messages, self._parts.media, account.id)

    async def _answer(
        self, account: Account, question: Question, hidden: Hidden, seen: Seen
    ) -> Reply:
        """The model's answer, checked and moderated."""
        parts = self._parts
        with paid_by(account.id):
            offer = await parts.offers.of(account, hidden.question)
        persona = parts.personas.text(account)
        prompt = build_prompt(
            hidden.question,
            account,
            persona,
            history_tokens=parts.history_tokens,
            offer=offer,
            seen=seen,
        )
        drawn_on = given(question, account, persona, offer)
        asking = Asking(prompt, drawn_on, hidden.restore, account=account.id)
        try:
            reply = await parts.server.ask(
                account, question.user, asking.attempt, since=question.asked_since
            )
        except AssistantError as error:
            if asking.instead is not None:
                reply = asking.instead
            elif (
                isinstance(error, AssistantRefused)
                and asking.messages_refused
                and provider_moderates(account, own_server=parts.own_server)
            ):
                return _instead(Concern.UNSAFE_MESSAGES)
            else:
                raise
        else:
            if asking.past_filtered:
                self._refused.remember(question)
        return await self._moderated(account, reply)

    async def _moderated(self, account: Account, reply: Reply) -> Reply:
        if not reply.text:
            return reply
        texts = mask((reply.text,), account.mask).texts if account.mask else (reply.text,)
        finding = await self._parts.moderator.check(account, texts)
        concern = concern_of_answer(finding, account)
        return _instead(concern) if concern else reply


def _instead(concern: Concern) -> Reply:
    return Reply(parts=(), concern=concern)
