"""Asking the model: whose turn it is, fields that a server lacks, retries, and the breaker."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, TypeVar

import structlog

from vestlus.assistant.api import MAX_OUTPUT_TOKENS, Api
from vestlus.assistant.breaker import Breaker
from vestlus.assistant.failures import AttemptFailed, Reason
from vestlus.assistant.model_call import ModelCall
from vestlus.assistant.openai_client import Connections, OpenAIConnection
from vestlus.assistant.pace_line import Asker
from vestlus.assistant.pacer import Pacer, Turns
from vestlus.assistant.prompt import Prompt
from vestlus.assistant.retrying import TOTAL_SECONDS, Retrying
from vestlus.assistant.spending import Nobody, Purpose, Spender
from vestlus.errors import AssistantUnavailable
from vestlus.settings_account import Account

_log = structlog.get_logger(__name__)

T = TypeVar("T")

#: By which providers guess at the tokens of a request. OpenAI, "Rate limits": the greater of that
#: and of the output asked for counts.
_CHARACTERS_PER_TOKEN: Final = 4

#: Also an answer that is wanted since long waits so long for its turn.
_SHORTEST_WAIT_SECONDS: Final = 10.0

#: No call waits longer at once: an answer keeps a turn's place, which others may use better
#: meanwhile. The next try stands in the line where its age puts it.
LONGEST_WAIT_SECONDS: Final = 60.0

#: Gives the model's whole text for a prompt. Raises AttemptFailed.
Say = Callable[[Prompt], Awaitable[str]]


class ModelServer:
    """The models of accounts, on one server, each with its key.

    A breaker for each key and model: what one account has wrong in its settings does not silence
    the others. It counts questions that failed for all their retries. ``identifier_key`` makes
    the pseudonyms under which the provider knows users. ``monotonic``: seconds. Calls of one model
    with one key wait for each other where its rate limits ask for that: see Pacer. ``sharers``:
    how many processes use the keys. ``spender``: counts what they take.
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
        sharers: Callable[[], int] = lambda: 1,
        spender: Spender | None = None,
    ) -> None:
        self._spender = spender or Nobody()
        self._connections = connections
        self._api = api
        self._model = model
        self._retrying = retrying
        self._identifier_key = identifier_key
        self._monotonic = monotonic
        self._sharers = sharers
        self._breakers: dict[tuple[OpenAIConnection, str], Breaker] = {}
        self._pacers: dict[tuple[OpenAIConnection, str], Pacer] = {}
        #: By model, the fields of requests that it does not know.
        self._left_out: dict[str, frozenset[str]] = {}

    async def ask(
        self,
        account: Account,
        user: str,
        attempt: Callable[[Say], Awaitable[T]],
        *,
        purpose: Purpose = Purpose.ANSWER,
        since: float = 0.0,
        later: bool = False,
        patience: float = LONGEST_WAIT_SECONDS,
    ) -> T:
        """The outcome of the first attempt that succeeds.

        ``attempt`` asks with what it is handed, and raises AttemptFailed. ``since``: when the
        answer was first wanted, by ``monotonic``, 0 for now. It waits for its turn for ``patience``
        seconds at most, and not long after the account wants an apology sent. ``later``: users'
        answers go first, and what the account may spend in a day must not be used up. Raises
        AssistantError with one of ``failures.Reason``, or ``circuit_open``.
        """
        if later and self._spender.spent_until(account.id):
            raise AssistantUnavailable(Reason.BUDGET_SPENT.value)
        model = account.model or self._model
        connection = self._connections.of(account)
        pseudonym = hmac.digest(self._identifier_key, user.encode(), "sha256").hex()

        now = self._monotonic()
        since = since or now
        owed = since + max(TOTAL_SECONDS, account.apology_after_seconds)
        until = min(max(owed, now + _SHORTEST_WAIT_SECONDS), now + patience)
        asker = Asker(account=account.id, since=since, until=until, later=later)
        turns = self._pacer(connection, model).turns(asker)

        async def say(prompt: Prompt) -> str:
            call = ModelCall(self._spender, "chat", account.id, model, purpose)
            body = await self._post(connection, prompt, turns, call, user=pseudonym)
            return self._api.output_text(body)

        async def in_turn() -> T:
            return await self._retrying.run(lambda: attempt(say), ready=turns.ready)

        breaker = self._breakers.setdefault((connection, model), Breaker(self._monotonic))
        breaker.check()  # where the server is away, nobody waits first to be told so
        try:
            # Before the breaker: it lets one through to see, and nobody else while that one waits.
            await turns.ready()
            return await breaker.run(in_turn)
        finally:
            turns.close()

    async def aclose(self) -> None:
        """Closes connections. Safe to call twice."""
        await self._connections.aclose()

    def _pacer(self, connection: OpenAIConnection, model: str) -> Pacer:
        pacer = self._pacers.get((connection, model))
        if pacer is None:
            random = Random()  # noqa: S311 - spreads waits, no secret
            pacer = Pacer(self._monotonic, random, self._sharers)
            self._pacers[connection, model] = pacer
        return pacer

    async def _post(
        self,
        connection: OpenAIConnection,
        prompt: Prompt,
        turns: Turns,
        call: ModelCall,
        *,
        user: str,
    ) -> bytes:
        """Asks again at once, and from then on, without the fields that the server rejects.

        Every round leaves out at least one more of a few fields, so this ends.
        """
        tokens = max(MAX_OUTPUT_TOKENS, prompt.characters / _CHARACTERS_PER_TOKEN)
        model = call.model
        while True:
            without = self._left_out.get(model, frozenset())
            body = self._api.request(prompt, model=model, user=user, left_out=without)
            optional = self._api.optional - without
            try:
                async with turns.call(tokens) as heard:
                    with call as counted:
                        return counted.answered(
                            await connection.post(
                                self._api.path, body, optional=optional, heard=heard
                            )
                        )
            except AssistantUnavailable as error:
                raise AttemptFailed(error, retry=False) from None  # no turn came in time
            except AttemptFailed as failed:
                if not failed.rejected_fields:
                    raise
                known = self._left_out.get(model, frozenset())
                self._left_out[model] = known | failed.rejected_fields
                _log.warning("model_server_lacks_fields", fields=sorted(failed.rejected_fields))
