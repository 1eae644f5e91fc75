"""What an account's answers rest on: the documents of its knowledge folder."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import structlog

from vestlus.assistant import knowledge_files
from vestlus.assistant.failures import Reason
from vestlus.assistant.knowledge_chunks import chunks
from vestlus.assistant.searches import Searches
from vestlus.assistant.shared_work import SharedWork
from vestlus.clock import Clock
from vestlus.conversation.history import estimated_tokens
from vestlus.errors import AssistantUnavailable
from vestlus.settings_account import Account

_log = structlog.get_logger(__name__)

#: What is small enough goes whole into every prompt: some 25 pages. Providers cache it, so that it
#: costs little after the first question, and nothing is missed by a search.
WHOLE_TOKENS: Final = 12_000

#: Pieces that a prompt gets of what is larger; some 2,000 tokens at most.
MOST_CHUNKS: Final = 6

#: Milliseconds between looks at a folder, while it is asked about.
LOOK_EVERY_MS: Final = 1_000

#: A question waits no longer for a folder to be read; the reading goes on.
READ_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Passage:
    """A document, or a piece of one. ``source``: the file's path within the folder."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Passages:
    """What a question can be answered from.

    ``whole``: it is all the account has, the same for every question until a file changes, and so
    belongs into the part of the prompt that providers cache. Otherwise it is what was found for
    one question, best first.
    """

    items: tuple[Passage, ...]
    whole: bool


NOTHING: Final = Passages((), whole=True)


class Knowledge(Protocol):
    """The documents of accounts."""

    async def passages(self, account: Account, query: str) -> Passages:
        """What to answer ``query`` from; no items where the account has none or nothing fits.

        ``query`` is what the user wants to know, with what must not leave the house masked: it
        may go to the embedding model. Raises AssistantError where the documents cannot be had.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Content:
    """What was made of a folder: either all of it, or pieces to search in."""

    whole: Passages | None
    #: Key of a piece → what it is searched by, and what the prompt gets.
    texts: dict[str, str] = field(default_factory=dict)
    pieces: dict[str, Passage] = field(default_factory=dict)


@dataclass(slots=True)
class _Folder:
    looked_at_ms: int
    content: _Content
    found: tuple[knowledge_files.Found, ...] = ()
    documents: dict[str, knowledge_files.Document] = field(default_factory=dict)
    #: Whether the last look failed, so that it is logged once and not every second.
    unreadable: bool = False


class KnowledgeFolders:
    """The knowledge folder of each account, read again when something in it changes.

    Owns what it has read for as long as the process lives. All reading is done in a thread, once
    for everybody who asks; while a change is read, all but the first go on with what was there
    before. Nobody waits longer than ``read_seconds``: after them there is what was there before,
    or else AssistantUnavailable. A folder that can no longer be read at all leaves what was there
    in force. ``searches`` find the pieces of folders that are too large for a prompt; one that
    fails, fails the question, hence give a FallbackSearch. ``clock``: milliseconds since 1970.
    """

    def __init__(
        self, searches: Searches, clock: Clock, *, read_seconds: float = READ_SECONDS
    ) -> None:
        self._searches = searches
        self._clock = clock
        self._read_seconds = read_seconds
        self._folders: dict[Path, _Folder] = {}
        self._looking: SharedWork[Path, _Content] = SharedWork("knowledge folder")

    async def passages(self, account: Account, query: str) -> Passages:
        """See Knowledge. What is ``whole`` is sorted by file name: the same bytes every time."""
        if account.knowledge is None:
            return NOTHING
        content = await self._content(account.knowledge)
        if content.whole is not None:
            return content.whole
        best = await self._searches(account).best(query, content.texts, MOST_CHUNKS)
        return Passages(tuple(content.pieces[key] for key in best), whole=False)

    async def aclose(self) -> None:
        """Ends what goes on in the background. Safe to call twice."""
        await self._looking.aclose()

    async def _content(self, path: Path) -> _Content:
        known = self._folders.get(path)
        if known is not None and (
            0 <= self._clock() - known.looked_at_ms < LOOK_EVERY_MS or self._looking.running(path)
        ):
            return known.content
        try:
            async with asyncio.timeout(self._read_seconds):
                return await self._looking.run(path, self._look(path))
        except TimeoutError:
            if known is None:
                raise AssistantUnavailable(Reason.TIMEOUT.value) from None
            return known.content

    async def _look(self, path: Path) -> _Content:
        now = self._clock()
        known = self._folders.get(path) or _Folder(now, _Content(NOTHING))
        known.looked_at_ms = now
        try:
            found = await asyncio.to_thread(knowledge_files.look, path)
        except OSError as error:
            if not known.unreadable:
                known.unreadable = True
                _log.warning(
                    "knowledge_unreadable",
                    path=str(path),
                    error=type(error).__name__,
                    documents_in_force=len(known.documents),
                )
        else:
            known.unreadable = False
            if found != known.found:
                documents = await asyncio.to_thread(knowledge_files.read, found, known.documents)
                known.content = await asyncio.to_thread(_content_of, documents)
                known.found = found
                known.documents = {one.name: one for one in documents}
                _log.info(
                    "knowledge_read",
                    path=str(path),
                    documents=sum(bool(one.text) for one in documents),
                    whole=known.content.whole is not None,
                    pieces=len(known.content.pieces),
                )
        self._folders[path] = known
        return known.content


def _content_of(documents: tuple[knowledge_files.Document, ...]) -> _Content:
    passages = tuple(Passage(one.name, one.text) for one in documents if one.text)
    if sum(estimated_tokens(one.text) for one in passages) <= WHOLE_TOKENS:
        return _Content(Passages(passages, whole=True))
    pieces = {
        f"{one.source}#{number}": Passage(one.source, text)
        for one in passages
        for number, text in enumerate(chunks(one.text), start=1)
    }
    # A file's name often says what it is about where its headings do not.
    texts = {key: f"{piece.source}: {piece.text}" for key, piece in pieces.items()}
    return _Content(None, texts, pieces)
