"""Asking the model: fields that a server lacks, retries, and the breaker."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from vestlus.assistant.api import Api
from vestlus.assistant.breaker import Breaker
from vestlus.assistant.failures import AttemptFailed
from vestlus.assistant.openai_client import Connections, OpenAIConnection
from vestlus.assistant.prompt import Prompt
from vestlus.assistant.retrying import Retrying
from vestlus.settings_account import Account

_log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Gives the model's whole text for a prompt. Raises AttemptFailed.
Say = Callable[[Prompt], Awaitable[str]]


class ModelServer:
    """The models of accounts, on one server, each with its key.

    A breaker for each key and model: what one account has wrong in its settings does not silence
    the others. It counts questions that failed for all their retries. ``identifier_key`` makes
    the pseudonyms under which the provider knows users. ``monotonic``: seconds.
    """

    def __init__(
        self,
        *,
        connections: Connections,
        api: Api,
        model: str,
        retrying: Retrying,
        identifier_key: bytes,
        monotonic: Callable[[], float],
    ) -> None:
        self._connections = connections
        self._api = api
        self._model = model
        self._retrying = retrying
        self._identifier_key = identifier_key
        self._monotonic = monotonic
        self._breakers: dict[tuple[OpenAIConnection, str], Breaker] = {}
        #: By model, the fields of requests that it does not know.
        self._left_out: dict[str, frozenset[str]] = {}

    async def ask(self, account: Account, user: str, attempt: Callable[[Say], Awaitable[T]]) -> T:
        """The outcome of the first attempt that succeeds.

        ``attempt`` asks with what it is handed, and raises AttemptFailed. Raises AssistantError
        with one of ``failures.Reason``, or ``circuit_open``.
        """
        model = account.model or self._model
        connection = self._connections.of(account)
        pseudonym = hmac.digest(self._identifier_key, user.encode(), "sha256").hex()

        async def say(prompt: Prompt) -> str:
            body = await self._post(connection, prompt, model=model, user=pseudonym)
            return self._api.output_text(body)

        breaker = self._breakers.setdefault((connection, model), Breaker(self._monotonic))
        return await breaker.run(lambda: self._retrying.run(lambda: attempt(say)))

    async def aclose(self) -> None:
        """Closes connections. Safe to call twice."""
        await self._connections.aclose()

    async def _post(
        self, connection: OpenAIConnection, prompt: Prompt, *, model: str, user: str
    ) -> bytes:
        """Asks again at once, and from then on, without the fields that the server rejects.

        Every round leaves out at least one more of a few fields, so this ends.
        """
        while True:
            without = self._left_out.get(model, frozenset())
            body = self._api.request(prompt, model=model, user=user, left_out=without)
            try:
                return await connection.post(
                    self._api.path, body, optional=self._api.optional - without
                )
            except AttemptFailed as failed:
                if not failed.rejected_fields:
                    raise
                known = self._left_out.get(model, frozenset())
                self._left_out[model] = known | failed.rejected_fields
                _log.warning("model_server_lacks_fields", fields=sorted(failed.rejected_fields))
