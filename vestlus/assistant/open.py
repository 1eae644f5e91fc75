"""Makes the assistant from the settings."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

import structlog

from vestlus.assistant.api import Api
from vestlus.assistant.chat_api import ChatApi
from vestlus.assistant.failures import AttemptFailed, Reason
from vestlus.assistant.openai_client import OpenAIConnection
from vestlus.assistant.persona import PersonaFiles
from vestlus.assistant.port import Assistant, Question
from vestlus.assistant.prompt import DEFAULT_HISTORY_TOKENS, build_prompt
from vestlus.assistant.responses_api import ResponsesApi
from vestlus.assistant.retrying import Retrying
from vestlus.assistant.schema import read_reply
from vestlus.conversation.reply import Reply
from vestlus.errors import AssistantUnavailable, SettingsError
from vestlus.settings import Account, Settings

_log = structlog.get_logger(__name__)

_APIS: Final[Mapping[str, Callable[[], Api]]] = {"responses": ResponsesApi, "chat": ChatApi}


def open_assistant(
    settings: Settings,
    *,
    clock: Callable[[], int],
    history_tokens: int = DEFAULT_HISTORY_TOKENS,
    retrying: Retrying | None = None,
) -> Assistant:
    """The assistant that the settings ask for. Connects with the first question.

    ``clock``: milliseconds since 1970, UTC. ``history_tokens``: how much of a conversation a
    prompt holds. Raises SettingsError for a missing VESTLUS_ENCRYPTION_KEY.
    """
    secret = settings.encryption_key
    if secret is None:
        problem = "VESTLUS_ENCRYPTION_KEY: is missing; user ids are made unreadable with it"
        raise SettingsError((problem,))
    key = settings.openai_api_key
    return OpenAIAssistant(
        connection=OpenAIConnection(
            api_key=key.get_secret_value() if key else None,
            base_url=settings.openai_base_url,
            clock=clock,
        ),
        api=_APIS[settings.openai_api](),
        model=settings.model,
        accounts=settings.account,
        personas=PersonaFiles(clock),
        retrying=retrying or Retrying(Random()),  # noqa: S311 - spreads waits, keeps no secret
        identifier_key=_derived_key(secret.get_secret_value()),
        history_tokens=history_tokens,
    )


class OpenAIAssistant:
    """Answers with a model of OpenAI's or of a compatible server. See Assistant.

    Keeps no state of conversations. OpenAI gets the account's id, the conversation's texts and
    a pseudonym of the user, and is asked to store nothing.
    """

    def __init__(
        self,
        *,
        connection: OpenAIConnection,
        api: Api,
        model: str,
        accounts: Callable[[str], Account | None],
        personas: PersonaFiles,
        retrying: Retrying,
        identifier_key: bytes,
        history_tokens: int,
    ) -> None:
        self._connection = connection
        self._api = api
        self._model = model
        self._accounts = accounts
        self._personas = personas
        self._retrying = retrying
        self._identifier_key = identifier_key
        self._history_tokens = history_tokens
        self._left_out: frozenset[str] = frozenset()

    async def reply(self, question: Question) -> Reply:
        """See Assistant. The reasons of its errors are those of ``failures.Reason``."""
        account = self._accounts(question.account)
        if account is None:
            raise AssistantUnavailable(Reason.ACCOUNT_UNKNOWN.value)
        prompt = build_prompt(
            question, account, self._personas.text(account), history_tokens=self._history_tokens
        )
        pseudonym = hmac.digest(self._identifier_key, question.user.encode(), "sha256").hex()

        def body() -> dict[str, object]:
            return self._api.request(
                prompt, model=self._model, user=pseudonym, left_out=self._left_out
            )

        async def attempt() -> Reply:
            return read_reply(self._api.output_text(await self._post(body)))

        return await self._retrying.run(attempt)

    async def aclose(self) -> None:
        """Closes connections. Safe to call twice; later questions are refused."""
        await self._connection.aclose()

    async def _post(self, body: Callable[[], dict[str, object]]) -> bytes:
        """Asks again at once, and from then on, without the fields that the server rejects.

        Every round leaves out at least one more of a few fields, so this ends.
        """
        while True:
            sent_without = self._left_out
            try:
                return await self._connection.post(
                    self._api.path, body(), optional=self._api.optional - sent_without
                )
            except AttemptFailed as failed:
                if not failed.rejected_fields:
                    raise
                self._left_out |= failed.rejected_fields
                _log.warning("model_server_lacks_fields", fields=sorted(failed.rejected_fields))


def _derived_key(secret: str) -> bytes:
    """A key of its own for pseudonyms: HKDF (RFC 5869) with SHA-256, one block, no salt.

    It does not tell the encryption key, and no other use of that one makes the same pseudonyms.
    """
    extracted = hmac.digest(b"\x00" * 32, secret.encode(), "sha256")
    return hmac.digest(extracted, b"vestlus safety identifier\x01", "sha256")
