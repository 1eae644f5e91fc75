"""Whatever dies and is replayed, each user's order holds. Property, on a real store."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.store_support import (
    ACCOUNT,
    OUTBOX,
    another,
    answered,
    changed,
    hold,
    hold_outbox,
)
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import Change, Lease, ReplayWish, SendRow, Transition, TransitionResult

#: What happens, one after the other: answers of so many parts, what comes of the next send, and
#: replays of one of the dead letters so far.
HAPPENINGS = st.lists(
    st.one_of(
        st.tuples(st.just("answer"), st.integers(1, 3)),
        st.tuples(st.sampled_from(["sent", "dead", "unknown"]), st.just(0)),
        st.tuples(st.just("replay"), st.integers(0, 20)),
    ),
    min_size=1,
    max_size=14,
)


class Ledger:
    """A conversation's sends as they should be: what waits, and what was done."""

    def __init__(self, store: Store, inbox: Lease, outbox: Lease) -> None:
        self.store = store
        self.inbox = inbox
        self.outbox = outbox
        self.waiting: list[str] = []
        self.dead: list[str] = []
        #: By text, the letter of its last death.
        self.letters: dict[str, str] = {}
        self.numbers = itertools.count()

    async def answer(self, parts: int) -> None:
        texts = [f"text {next(self.numbers)}" for _ in range(parts)]
        await answered(self.store, self.inbox, *texts)
        self.waiting += texts

    async def head(self) -> SendRow | None:
        rows = await self.store.unfinished(OUTBOX, limit=9)
        assert len(rows) <= 1
        assert [row.text for row in rows] == self.waiting[:1]
        return rows[0] if rows else None

    async def finish(self, how: str) -> None:
        row = await self.head()
        if row is None:
            return
        path = [SendState.PENDING, SendState.SENDING, SendState.LOOKING, SendState.UNKNOWN]
        if how != "unknown":
            path = [SendState.PENDING, SendState.SENDING, SendState(how)]
        steps = [
            Transition(
                id=row.id, before=one, after=two, at_ms=50, reason="x", sent_mid=f"mid-{row.id}"
            )
            for one, two in itertools.pairwise(path)
        ]
        assert set(await self.store.transition(self.outbox, steps)) == {TransitionResult.DONE}
        self.waiting.remove(row.text)
        if how != "sent":
            self.dead.append(row.text)
            self.letters[row.text] = f"ledger:{row.id}"

    async def replay(self, which: int) -> None:
        if not self.letters:
            return
        text = sorted(self.letters)[which % len(self.letters)]
        wish = ReplayWish(letter=self.letters[text], by="mari", although_sent=True)
        await changed(self.store, self.inbox, Change(replay=wish), now_ms=60)
        if text in self.dead:
            # Behind everything that waits; a letter that was replayed before does nothing.
            self.dead.remove(text)
            self.waiting.append(text)


async def _holds(happenings: list[tuple[str, int]], file: Path) -> None:
    async with another(f"sqlite:///{file}") as store:
        ledger = Ledger(store, await hold(store), await hold_outbox(store))
        for what, number in happenings:
            match what:
                case "answer":
                    await ledger.answer(number)
                case "replay":
                    await ledger.replay(number)
                case _:
                    await ledger.finish(what)
            await ledger.head()
        while ledger.waiting:
            await ledger.finish("sent")
        assert await store.unfinished(OUTBOX, limit=9) == ()
        for text in ledger.dead:
            letter = await store.dead_letter(ledger.letters[text])
            assert letter is not None
            assert (letter.state, letter.account) == ("open", ACCOUNT)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of an empty store: making one takes longer than using it."""
    file = tmp_path_factory.mktemp("store") / "store.db"

    async def make() -> None:
        async with another(f"sqlite:///{file}"):
            pass

    asyncio.run(make())
    return file


@given(HAPPENINGS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_replay_comes_once_and_behind_what_waits(
    empty: Path, happenings: list[tuple[str, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.db"
        shutil.copy(empty, file)
        asyncio.run(_holds(happenings, file))
