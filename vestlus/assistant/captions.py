"""Captions written by a model, and pictures chosen by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from vestlus.assistant.caption_checking import CaptionChecks, NotTaken, Written
from vestlus.assistant.caption_prompt import CaptionTask, build_caption_prompt, event_text
from vestlus.assistant.model_server import ModelServer, Say
from vestlus.assistant.moderation import Moderator
from vestlus.assistant.persona import PersonaFiles
from vestlus.assistant.searches import Searches
from vestlus.assistant.spending import Purpose
from vestlus.conversation.masking import mask
from vestlus.conversation.personal_data import values
from vestlus.settings_account import Account

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Captions:
    """A model for posts: one per process, cancellable at any moment.

    The provider gets the account's texts, the task and the event's data with what the account has
    masked, and descriptions of pictures; it is asked to store nothing. ``moderator`` and
    ``searches`` are for whoever makes drafts.
    """

    server: ModelServer
    personas: PersonaFiles
    moderator: Moderator
    searches: Searches

    async def write(
        self, account: Account, task: CaptionTask, free: Callable[[Sequence[str]], bool]
    ) -> Written:
        """What the model makes of a task, checked: see CaptionChecks. Not moderated.

        What cannot be used is asked for once more, and the model told why. ``free`` is asked about
        the pictures that it chose. Raises AssistantUnavailable after bounded retries, and
        AssistantInvalid.
        """
        persona = self.personas.text(account)
        known = frozenset(
            value
            for text in (persona, account.name, *account.facts, *task.given)
            for value in values(text, account.mask)
        )
        masked = mask((task.task, event_text(task.event)), account.mask, known)
        said, event = masked.texts
        prompt = build_caption_prompt(task, account, persona, said=said, event=event)
        checks = CaptionChecks(task, account, persona, free)
        remark = ""

        async def attempt(say: Say) -> Written:
            nonlocal remark
            try:
                output = await say(prompt.with_remark(remark) if remark else prompt)
                return checks.read(output, masked.restore)
            except NotTaken as refused:
                remark = refused.remark
                _log.warning("caption_refused", account=account.id, reason=refused.error.reason)
                raise

        return await self.server.ask(
            account, f"posts of {account.id}", attempt, purpose=Purpose.CAPTION, later=True
        )
