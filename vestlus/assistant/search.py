"""Finding texts by meaning, or by words where meaning cannot be had."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, Generic, Protocol, TypeVar

import numpy as np
import structlog

from vestlus.assistant.embeddings import Embedder, Vectors
from vestlus.assistant.failures import Reason
from vestlus.assistant.shared_work import SharedWork
from vestlus.assistant.words import WordIndex
from vestlus.errors import AssistantError, AssistantInvalid, AssistantUnavailable

_log = structlog.get_logger(__name__)

T = TypeVar("T")

#: A user waits for it before the model has even begun.
SEARCH_SECONDS: Final = 5.0

#: Texts whose index is kept in memory, over all mappings: 100 MB of vectors of 1536 numbers.
_MOST_TEXTS_KEPT: Final = 16_384


class Search(Protocol):
    """Finds the texts that fit a query. Cancellable at any moment."""

    async def best(self, query: str, texts: Mapping[str, str], most: int) -> tuple[str, ...]:
        """The keys of the ``most`` best texts, best first; fewer where fewer fit.

        The same texts asked again cost little: what is worked out about them is kept. Blank texts
        fit nothing, and nothing fits a blank query. Raises AssistantError where the search needs
        a server and it fails.
        """
        ...


class EmbeddingSearch:
    """By meaning: the texts whose vectors are nearest to the query's.

    The vectors of texts not seen before are asked for in the background. A query waits ``seconds``
    for them, and for its own, then raises AssistantUnavailable; the next one finds what has become
    ready. ``indexes`` may be shared by searches whose embedders have the same model.
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        seconds: float = SEARCH_SECONDS,
        indexes: KeptIndexes[Vectors] | None = None,
    ) -> None:
        self._embedder = embedder
        self._seconds = seconds
        self._indexes = indexes if indexes is not None else KeptIndexes[Vectors]()
        self._building: SharedWork[tuple[str, ...], Vectors] = SharedWork("embedding index")

    async def best(self, query: str, texts: Mapping[str, str], most: int) -> tuple[str, ...]:
        """See Search. What has nothing to do with the query at all is left out."""
        filled = _filled(texts)
        if not query.strip() or not filled or most < 1:
            return ()
        try:
            async with asyncio.timeout(self._seconds):
                # First, as it is one request: a half-open breaker lets no more than one through.
                vector = await self._embedder.of_query(query)
                rows = await self._rows(tuple(filled.values()))
        except TimeoutError:
            raise AssistantUnavailable(Reason.TIMEOUT.value) from None
        if rows.shape[1] != vector.shape[0]:
            raise AssistantInvalid(Reason.MALFORMED_RESPONSE.value)
        return _top(tuple(filled), rows @ vector, most)

    async def aclose(self) -> None:
        """Ends what goes on in the background. Safe to call twice."""
        await self._building.aclose()

    async def _rows(self, texts: tuple[str, ...]) -> Vectors:
        rows = self._indexes.get(texts)
        if rows is None:
            rows = await self._building.run(texts, self._built(texts))
        return rows

    async def _built(self, texts: tuple[str, ...]) -> Vectors:
        rows = await self._embedder.of_texts(texts)
        self._indexes.put(texts, rows)
        return rows


class LexicalSearch:
    """By words: BM25 over the beginnings of words, so that inflected forms are found too.

    Needs no server, and does not know that two words mean the same.
    """

    def __init__(self) -> None:
        self._indexes: KeptIndexes[WordIndex] = KeptIndexes()
        self._building: SharedWork[tuple[str, ...], WordIndex] = SharedWork("word index")

    async def best(self, query: str, texts: Mapping[str, str], most: int) -> tuple[str, ...]:
        """See Search. Only texts that share a word with the query."""
        filled = _filled(texts)
        if not query.strip() or not filled or most < 1:
            return ()
        listed = tuple(filled.values())
        index = self._indexes.get(listed)
        if index is None:
            index = await self._building.run(listed, self._built(listed))
        return _top(tuple(filled), index.scores(query), most)

    async def _built(self, texts: tuple[str, ...]) -> WordIndex:
        # Megabytes of text take a second to read.
        index = await asyncio.to_thread(WordIndex, texts)
        self._indexes.put(texts, index)
        return index


class FallbackSearch:
    """One search, and another for when that one fails. Logged when it begins and when it ends."""

    def __init__(self, first: Search, second: Search) -> None:
        self._first = first
        self._second = second
        self._failing = False

    async def best(self, query: str, texts: Mapping[str, str], most: int) -> tuple[str, ...]:
        """See Search. Raises only what the second search raises."""
        try:
            found = await self._first.best(query, texts, most)
        except AssistantError as error:
            if not self._failing:
                self._failing = True
                _log.warning("search_by_words_instead", reason=error.reason)
            return await self._second.best(query, texts, most)
        if self._failing:
            self._failing = False
            _log.info("search_by_meaning_again")
        return found


class KeptIndexes(Generic[T]):
    """Indexes of the texts asked for last.

    By the texts themselves and not by the mapping they came in, which may have changed. Comparing
    takes no time as long as they are the very same strings.
    """

    def __init__(self, most_texts: int = _MOST_TEXTS_KEPT) -> None:
        self._most = most_texts
        self._kept: OrderedDict[tuple[str, ...], T] = OrderedDict()

    def get(self, texts: tuple[str, ...]) -> T | None:
        """The index of these texts, if it is still kept."""
        index = self._kept.get(texts)
        if index is not None:
            self._kept.move_to_end(texts)
        return index

    def put(self, texts: tuple[str, ...], index: T) -> None:
        """Keeps an index, and lets go of those not asked for in the longest time."""
        self._kept[texts] = index
        self._kept.move_to_end(texts)
        while len(self._kept) > 1 and sum(map(len, self._kept)) > self._most:
            self._kept.popitem(last=False)


def _filled(texts: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in texts.items() if text.strip()}


def _top(keys: tuple[str, ...], scores: Vectors, most: int) -> tuple[str, ...]:
    """Best first; of equal ones the one that came first. Scores that are not above 0 do not fit."""
    order = np.argsort(-scores, kind="stable")[:most]
    return tuple(keys[place] for place in order if scores[place] > 0)
