"""The attempts at one summary."""

from __future__ import annotations

from dataclasses import replace

import structlog

from vestlus.assistant.failures import AttemptFailed, Reason
from vestlus.assistant.model_server import Say
from vestlus.assistant.port import Past
from vestlus.assistant.refused_pasts import AskLess
from vestlus.assistant.schema import read_summary
from vestlus.assistant.summary import build_summary_prompt
from vestlus.errors import AssistantRefused

_log = structlog.get_logger(__name__)


class SummingUp:
    """Sums up one stretch, as often as it is told to; see :meth:`attempt`.

    ``past`` is as the model may see it. ``account`` is for the log.
    """

    def __init__(self, past: Past, *, account: str) -> None:
        self._past = past
        self._account = account

    async def attempt(self, say: Say) -> str:
        """A summary. Raises AttemptFailed.

        After a refusal of the provider's filter the next attempt goes without what was known
        before: a summary that is refused once would have all that come after it refused. A model's
        own refusal is no reason to lose it.
        """
        try:
            return read_summary(await say(build_summary_prompt(self._past)))
        except AttemptFailed as failed:
            error = failed.error
            if not (isinstance(error, AssistantRefused) and self._past.summary.strip()):
                raise
            if error.reason != Reason.CONTENT_FILTER:
                raise
            _log.warning("summary_refused", account=self._account, reason=error.reason)
            self._past = replace(self._past, summary="")
            raise AskLess(error) from None
