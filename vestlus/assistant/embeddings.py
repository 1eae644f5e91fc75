"""Vectors of texts, from an embedding model; kept, since the same text gives the same vector."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from vestlus.assistant.breaker import Breaker
from vestlus.assistant.failures import AttemptFailed, Reason
from vestlus.assistant.model_call import ModelCall
from vestlus.assistant.openai_client import OpenAIConnection
from vestlus.assistant.spending import Nobody, Purpose, Spender, payer
from vestlus.errors import AssistantInvalid, AssistantUnavailable, StoreError

_log = structlog.get_logger(__name__)

#: One text's vector has length 1; a row each for several texts.
Vectors = NDArray[np.float32]

#: Texts in one request. OpenAI, "Create embeddings": at most 2048, and 300,000 tokens in all, which
#: a hundred texts of MAX_CHARACTERS stay under.
BATCH: Final = 100

#: Characters of a text that are looked at: some 2,400 tokens, of the 8,192 that a text may have.
MAX_CHARACTERS: Final = 6_000

#: Of one request. A batch takes a second or two.
REQUEST_SECONDS: Final = 20.0

#: Of the request for what a user wants to know. Shorter than whoever searches waits: what is only
#: given up does not count for the breaker, and a server that hangs would hold up every answer.
QUERY_SECONDS: Final = 4.0

#: Requests at once while many texts are new.
_AT_ONCE: Final = 4


class KeptVectors(Protocol):
    """Where vectors are kept: little-endian 32-bit floats, by model and digest of the text.

    The store's ``Bank`` is one.
    """

    async def embeddings(self, model: str, digests: Collection[str]) -> dict[str, bytes]:
        """Digest → vector, for those that are kept. Raises StoreError."""
        ...

    async def put_embeddings(self, model: str, vectors: Mapping[str, bytes]) -> None:
        """Keeps vectors; those already there are left alone. Raises StoreError."""
        ...


class VectorsInMemory:
    """Keeps vectors for as long as the process lives: for commands that open no store."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    async def embeddings(self, model: str, digests: Collection[str]) -> dict[str, bytes]:
        """See KeptVectors."""
        found = {digest: self._kept.get((model, digest)) for digest in digests}
        return {digest: vector for digest, vector in found.items() if vector is not None}

    async def put_embeddings(self, model: str, vectors: Mapping[str, bytes]) -> None:
        """See KeptVectors."""
        for digest, vector in vectors.items():
            self._kept.setdefault((model, digest), vector)


class _Item(BaseModel):
    index: int
    embedding: list[float]


class _Response(BaseModel):
    data: list[_Item]


class Embedder:
    """Vectors from OpenAI or a compatible server, asked for once per text and model.

    ``kept`` holds the vectors of documents and pictures; a user's words are never put there. A
    store that does not answer is done without. ``breaker`` spares everybody the wait for a server
    that is down. ``spender`` counts the tokens, of whoever :func:`payer` says.
    """

    def __init__(
        self,
        connection: OpenAIConnection,
        *,
        model: str,
        kept: KeptVectors,
        breaker: Breaker,
        seconds: float = REQUEST_SECONDS,
        query_seconds: float = QUERY_SECONDS,
        spender: Spender | None = None,
    ) -> None:
        self._spender = spender or Nobody()
        self._connection = connection
        self._model = model
        self._kept = kept
        self._breaker = breaker
        self._seconds = seconds
        self._query_seconds = query_seconds

    async def of_query(self, query: str) -> Vectors:
        """The vector of what a user wants to know; not kept. ``query`` is not blank.

        Raises AssistantUnavailable, AssistantInvalid.
        """
        asked = await self._asked([_readable(query)], self._query_seconds)
        vectors: Vectors = asked[0]
        return vectors

    async def of_texts(self, texts: Sequence[str]) -> Vectors:
        """The vectors of texts, a row each; none of them is blank, and there is at least one.

        What was asked for is kept at once, so that a failure, or being cancelled, loses at most
        the requests under way. Raises AssistantUnavailable, AssistantInvalid.
        """
        readable = [_readable(text) for text in texts]
        digests = [sha256(text.encode()).hexdigest() for text in readable]
        known = await self._look_up(set(digests))
        missing = {
            digest: text
            for digest, text in zip(digests, readable, strict=True)
            if digest not in known
        }
        gate = asyncio.Semaphore(_AT_ONCE)

        async def ask(batch: tuple[tuple[str, str], ...]) -> None:
            async with gate:
                rows = await self._asked([text for _, text in batch], self._seconds)
            fresh = dict(zip((digest for digest, _ in batch), rows, strict=True))
            known.update(fresh)
            await self._keep(fresh)

        try:
            async with asyncio.TaskGroup() as group:
                for start in range(0, len(missing), BATCH):
                    batch = tuple(missing.items())[start : start + BATCH]
                    group.create_task(ask(batch), name="embeddings")
        except ExceptionGroup as failures:
            # The first failure has cancelled the others, and says as much as all of them.
            raise failures.exceptions[0] from None
        return _stacked([known[digest] for digest in digests])

    async def _look_up(self, digests: Collection[str]) -> dict[str, Vectors]:
        try:
            found = await self._kept.embeddings(self._model, digests)
        except StoreError as error:
            _log.warning("kept_embeddings_unreadable", error=type(error).__name__)
            return {}
        return {digest: np.frombuffer(raw, dtype="<f4") for digest, raw in found.items()}

    async def _keep(self, vectors: Mapping[str, Vectors]) -> None:
        raw = {digest: one.astype("<f4").tobytes() for digest, one in vectors.items()}
        try:
            await self._kept.put_embeddings(self._model, raw)
        except StoreError as error:
            _log.warning("embeddings_not_kept", error=type(error).__name__)

    async def _asked(self, texts: Sequence[str], seconds: float) -> Vectors:
        body = await self._breaker.run(lambda: self._post(texts, seconds))
        try:
            data = sorted(_Response.model_validate_json(body).data, key=lambda one: one.index)
        except ValidationError:
            raise AssistantInvalid(Reason.MALFORMED_RESPONSE.value) from None
        if [item.index for item in data] != list(range(len(texts))):
            raise AssistantInvalid(Reason.MALFORMED_RESPONSE.value)
        return _normalised(_stacked([np.asarray(item.embedding, np.float32) for item in data]))

    async def _post(self, texts: Sequence[str], seconds: float) -> bytes:
        body: dict[str, object] = {
            "model": self._model,
            "input": list(texts),
            "encoding_format": "float",
        }
        call = ModelCall(self._spender, "embeddings", payer(), self._model, Purpose.EMBEDDING)
        try:
            async with asyncio.timeout(seconds):
                with call:
                    return call.answered(
                        await self._connection.post("/embeddings", body, optional=frozenset())
                    )
        except TimeoutError:
            raise AssistantUnavailable(Reason.TIMEOUT.value) from None
        except AttemptFailed as failed:
            raise failed.error from None


def _readable(text: str) -> str:
    """As much of it as is looked at, and valid UTF-8: Instagram may cut a surrogate pair."""
    return text[:MAX_CHARACTERS].encode("utf-8", errors="replace").decode()


def _stacked(vectors: Sequence[Vectors]) -> Vectors:
    if len({vector.shape for vector in vectors}) != 1:
        # Another model under the same name, with vectors of another length.
        raise AssistantInvalid(Reason.MALFORMED_RESPONSE.value)
    return np.stack(vectors)


def _normalised(rows: Vectors) -> Vectors:
    """Each row with length 1, so that a product of two is their cosine."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise AssistantInvalid(Reason.MALFORMED_RESPONSE.value)
    normalised: Vectors = (rows / lengths).astype(np.float32)
    return normalised
