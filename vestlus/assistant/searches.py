"""Which search serves which account: users' words go out under the account's own key."""

from __future__ import annotations

from collections.abc import Callable

from vestlus.assistant.breaker import Breaker
from vestlus.assistant.embeddings import Embedder, KeptVectors, Vectors
from vestlus.assistant.openai_client import Connections, OpenAIConnection
from vestlus.assistant.search import (
    EmbeddingSearch,
    FallbackSearch,
    KeptIndexes,
    LexicalSearch,
    Search,
)
from vestlus.assistant.spending import Spender
from vestlus.settings_account import Account

#: Gives the search of an account. May raise AssistantUnavailable.
Searches = Callable[[Account], Search]


class SearchByAccount:
    """By meaning, and by words while the embedding model cannot be had, for each key.

    What fails under one account's key neither stops nor slows down the search of another's.
    Indexes of the same texts are shared, as the model is the same. ``model``: the embedding
    model; ``kept``: where vectors are kept; ``monotonic``: seconds. Reaches nothing before the
    first search, and leaves the connections open.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        model: str,
        kept: KeptVectors,
        monotonic: Callable[[], float],
        spender: Spender | None = None,
    ) -> None:
        self._spender = spender
        self._connections = connections
        self._model = model
        self._kept = kept
        self._monotonic = monotonic
        self._indexes: KeptIndexes[Vectors] = KeptIndexes()
        self._by_words = LexicalSearch()
        self._by_meaning: dict[OpenAIConnection, EmbeddingSearch] = {}
        self._searches: dict[OpenAIConnection, Search] = {}

    def of(self, account: Account) -> Search:
        """The account's search. Raises AssistantUnavailable once the connections are closed."""
        connection = self._connections.of(account)
        if connection not in self._searches:
            by_meaning = EmbeddingSearch(
                Embedder(
                    connection,
                    model=self._model,
                    kept=self._kept,
                    breaker=Breaker(self._monotonic, name="embeddings"),
                    spender=self._spender,
                ),
                indexes=self._indexes,
            )
            self._by_meaning[connection] = by_meaning
            self._searches[connection] = FallbackSearch(by_meaning, self._by_words)
        return self._searches[connection]

    async def aclose(self) -> None:
        """Ends what goes on in the background. Safe to call twice."""
        for one in self._by_meaning.values():
            await one.aclose()
