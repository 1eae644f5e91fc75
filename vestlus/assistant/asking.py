"""The attempts at one answer: what the model writes, checked, and asked for once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from vestlus.assistant.checking import REMARKS, Given, Objected, checked
from vestlus.assistant.failures import AttemptFailed, Reason
from vestlus.assistant.model_server import Say
from vestlus.assistant.prompt import Prompt
from vestlus.assistant.refused_pasts import AskLess
from vestlus.assistant.schema import read_reply
from vestlus.conversation.reply import Part, Reply, TextPart
from vestlus.errors import AssistantRefused

_log = structlog.get_logger(__name__)


class Asking:
    """Asks for one answer, as often as it is told to; see :meth:`attempt`.

    ``restore`` puts masked data back. ``account`` is for the log.
    """

    def __init__(
        self, prompt: Prompt, given: Given, restore: Callable[[str], str], *, account: str
    ) -> None:
        self._prompt = prompt
        self._given = given
        self._restore = restore
        self._account = account
        self._remark = ""
        #: What may be sent if no attempt succeeds: a good text whose picture was not, or an
        #: answer in what looks like another language.
        self.instead: Reply | None = None
        #: The unanswered messages were refused by themselves. A refusal of a whole conversation
        #: may be of anything in it.
        self.messages_refused = False
        #: The provider's filter refused the conversation. A model's own refusal is no sign that the
        #: next one is refused too.
        self.past_filtered = False

    async def attempt(self, say: Say) -> Reply:
        """An answer that may be sent. Raises AttemptFailed.

        After an answer that may not, the next attempt tells the model why; after a refusal it has
        the unanswered messages alone.
        """
        prompt = self._prompt.with_remark(self._remark) if self._remark else self._prompt
        try:
            return checked(self._restored(read_reply(await say(prompt))), self._given)
        except AttemptFailed as failed:
            reason = failed.error.reason
            self._remark = REMARKS.get(reason, "")
            if isinstance(failed, Objected):
                _log.warning("answer_refused", account=self._account, reason=reason)
                self.instead = failed.instead or self.instead
            if isinstance(failed.error, AssistantRefused):
                self._refused(failed.error)
            if reason == Reason.BAD_REQUEST and self._prompt.shows_images:
                # A model without eyes, or a picture that the server cannot read.
                _log.warning("model_refused_pictures", account=self._account)
                self._prompt = self._prompt.without_images()
                raise AttemptFailed(failed.error, retry=True) from None
            raise

    def _refused(self, error: AssistantRefused) -> None:
        """Raises AskLess where there is something to leave out."""
        if not self._prompt.history:
            self.messages_refused = True
            return
        _log.warning("conversation_refused", account=self._account, reason=error.reason)
        self.past_filtered = error.reason == Reason.CONTENT_FILTER
        self._prompt = self._prompt.without_past()
        raise AskLess(error) from None

    def _restored(self, reply: Reply) -> Reply:
        parts: tuple[Part, ...] = tuple(
            TextPart(self._restore(part.text)) if isinstance(part, TextPart) else part
            for part in reply.parts
        )
        return replace(reply, parts=parts, note=self._restore(reply.note))
