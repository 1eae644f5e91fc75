"""People at the account's side: their messages, and what the bot leaves unsaid because of them."""

import ast
import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers.bucket import Limit
from publishers.human_agent import bears_human_agent
from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.messaging import Fault, once
from tests.fakes.outbox import Place, limited, reference
from tests.fakes.store_ledger import DAY_MS, MemoryLedger
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS
from vestlus.store.ledger import SendState
from vestlus.store.rows import Origin, SendRow

ROOT = Path(__file__).parents[2]
U1 = conversation_id("a1", "u1")


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def row(origin: Origin, deadline_ms: int) -> SendRow:
    async def make() -> SendRow:
        return MemoryLedger().add("r1", origin=origin, deadline_ms=deadline_ms)

    return run_virtual(make())


BOTS, PERSONS = row(Origin.BOT, 0), row(Origin.PERSON, 0)
times = st.integers(0, 2**53)


@given(times, times)
def test_no_automated_message_ever_bears_the_tag(deadline_ms: int, now_ms: int) -> None:
    assert not bears_human_agent(replace(BOTS, deadline_ms=deadline_ms), now_ms)


@given(st.integers(0, 2**52), st.integers(0, 10 * DAY_MS))
def test_a_persons_message_bears_the_tag_from_the_end_of_the_day_to_that_of_the_seventh(
    user_ms: int, later_ms: int
) -> None:
    persons = replace(PERSONS, deadline_ms=user_ms + HUMAN_AGENT_WINDOW_MS)
    tagged = bears_human_agent(persons, user_ms + later_ms)
    assert tagged == (DAY_MS < later_ms <= 7 * DAY_MS)


def test_one_place_alone_decides_on_the_tag() -> None:
    rooms = ("publishers", "actors", "vestlus/hosting", "vestlus/conversation")
    calls = [
        (path.name, ast.unparse(node.value))
        for room in rooms
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "human_agent"
    ]
    assert calls == [("sending.py", "human_agent")] * 2
    tree = ast.parse((ROOT / "publishers/sending.py").read_text(encoding="utf-8"))
    assigned = [
        ast.unparse(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "human_agent"
    ]
    assert assigned == ["bears_human_agent(row, self._clock())"]


@pytest.mark.parametrize(("hours", "tagged"), [(1, False), (23, False), (25, True), (167, True)])
def test_a_persons_message_goes_out_within_seven_days(hours: int, tagged: bool) -> None:  # noqa: FBT001 - a case
    async def scenario() -> None:
        place = Place()
        user_ms = virtual_ms() - hours * 3_600_000
        place.ledger.add(
            "r1", origin=Origin.PERSON, text="Helistan teile.", deadline_ms=user_ms + 7 * DAY_MS
        )
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 1)
        (sent,) = place.instagram.sent
        assert sent.human_agent == tagged

    run_virtual(scenario())


def test_a_bots_answer_bears_no_tag_and_is_not_sent_after_its_window() -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.add("late", user="u2", deadline_ms=virtual_ms() - 1)
        place.ledger.add("r1", deadline_ms=virtual_ms() + 1000)
        place.ledger.add("r2", pictures=("map",), deadline_ms=virtual_ms() + 10_000)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 5)
        assert place.ledger.rows["late"].reason == "window_closed"
        assert [sent.human_agent for sent in place.instagram.sent] == [False, False]

    run_virtual(scenario())


def test_a_window_that_closes_between_claim_and_request_is_respected() -> None:
    async def scenario() -> None:
        # The first request takes the only token for 10 s; the second is claimed and then paced.
        place = Place(rules=SendingRules(limits=limited(text=Limit(0.25))))
        for name in ("r1", "r2"):
            place.ledger.add(name, user=name, deadline_ms=virtual_ms() + 7_000)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 30)
        assert place.ledger.state("r1") is SendState.SENT
        assert place.ledger.rows["r2"].reason == "window_closed"
        assert len(place.instagram.written) == 1

    run_virtual(scenario())


def test_nothing_is_sent_to_a_user_while_an_echo_is_undetermined() -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.undetermined.add(U1)
        place.ledger.add("r1")
        place.ledger.add("r2", text="teine")
        async with place.serving():
            await asyncio.sleep(20)
            assert not place.instagram.written
            assert place.ledger.rows["r1"].row.attempts == 0
            assert not place.ledger.history
            assert 30 <= place.tally.events["held"] <= 42
            place.ledger.undetermined.clear()
            await asyncio.wait_for(place.ledger.settled(), 1)
        assert place.instagram.texts("a1", "u1") == ["Tere!", "teine"]

    run_virtual(scenario())


def test_users_who_are_held_cost_the_others_of_their_account_nothing() -> None:
    async def scenario() -> None:
        place = Place()
        for number in range(150):
            place.ledger.undetermined.add(conversation_id("a1", f"h{number}"))
            place.ledger.add(
                f"h{number}", user=f"h{number}", deadline_ms=virtual_ms() + DAY_MS // 2
            )
        for number in range(500):
            place.ledger.add(f"r{number}", user=f"u{number}")
        async with place.serving():
            await until(lambda: len(place.instagram.sent) == 500)
            assert virtual_monotonic() < 10

    run_virtual(scenario())


def test_a_held_row_of_a_stopped_account_is_tried_no_oftener_than_others() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = once(Fault.TOKEN)
        place.ledger.add("r1")
        async with place.serving():
            await asyncio.sleep(1)
            place.ledger.undetermined.add(U1)
            await asyncio.sleep(70)
            assert 10 <= place.tally.events["held"] <= 30
            place.ledger.undetermined.clear()
            await asyncio.wait_for(place.ledger.settled(), 3)

    run_virtual(scenario())


def test_a_held_row_whose_window_closes_is_given_up() -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.undetermined.add(U1)
        place.ledger.add("r1", deadline_ms=virtual_ms() + 5_000)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 7)
        assert place.ledger.rows["r1"].reason == "window_closed"

    run_virtual(scenario())


def test_what_a_person_forestalled_is_cancelled_and_the_persons_own_words_go_on() -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.add("r1", text="boti vastus")
        place.ledger.add("r2", pictures=("map",))
        place.ledger.person_answered("a1", "u1")
        place.ledger.add("r3", text="inimese vastus", origin=Origin.PERSON)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 2)
        assert place.instagram.texts("a1", "u1") == ["inimese vastus"]
        for name in ("r1", "r2"):
            kept = place.ledger.rows[name]
            assert (kept.row.state, kept.reason) == (SendState.CANCELLED, "person_answered")
        counted = place.tally.stats(in_flight=0, waiting=0, looking=0)
        assert counted.cancelled == {"person_answered": 2}
        assert counted.dead == {}
        assert not place.ledger.letters

    run_virtual(scenario())


def test_a_resend_that_a_person_forestalled_is_cancelled() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.user_wrote("a1", "u1")
        place.instagram.fault = once(Fault.CUT)
        place.ledger.add("r1")
        async with place.serving():
            await until(lambda: place.ledger.state("r1") is SendState.LOOKING)
            place.ledger.person_answered("a1", "u1")
            await asyncio.wait_for(place.ledger.settled(), 80)
        assert place.ledger.state("r1") is SendState.CANCELLED
        assert len(place.instagram.written) == 1

    run_virtual(scenario())


def test_drafts_hold_nothing_up_and_are_given_up_when_their_windows_close() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(page=10))
        now_ms = virtual_ms()
        for number in range(35):
            place.ledger.add(
                f"d{number}",
                user=f"u{number}",
                state=SendState.DRAFT,
                deadline_ms=now_ms + 100_000,
            )
        place.ledger.add("kept", user="u99", state=SendState.DRAFT)
        place.ledger.add("other", user="u0")
        async with place.serving():
            await asyncio.sleep(95)
            assert place.ledger.state("other") is SendState.SENT
            assert place.states("a1")[SendState.DRAFT] == 36
            await asyncio.sleep(place.rules.draft_sweep_seconds + 10)
            assert place.states("a1") == {
                SendState.DEAD: 35,
                SendState.DRAFT: 1,
                SendState.SENT: 1,
            }
        assert {place.ledger.rows[f"d{n}"].reason for n in range(35)} == {"window_closed"}
        assert len(place.instagram.sent) == 1

    run_virtual(scenario())


def test_a_sweep_of_drafts_survives_a_store_that_is_away() -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.add("d1", state=SendState.DRAFT, deadline_ms=virtual_ms() - 1)
        place.ledger.unavailable = 6
        async with place.serving():
            await until(lambda: place.ledger.state("d1") is SendState.DEAD)

    run_virtual(scenario())


def test_a_person_is_not_kept_waiting_by_a_backlog_of_the_bots() -> None:
    async def scenario() -> None:
        # More than memory holds: by its deadline the person's row would come after all of it.
        rules = SendingRules(known=50, page=20, limits=limited(text=Limit(20)), poll_seconds=1)
        place = Place(rules=rules)
        place.backlog("a1", 400)
        async with place.serving() as worker:
            await asyncio.sleep(3)
            mine = place.ledger.add(
                "mine",
                user="visitor",
                text="Tere, siin Mari",
                origin=Origin.PERSON,
                deadline_ms=virtual_ms() + HUMAN_AGENT_WINDOW_MS,
            )
            worker.ring([reference(mine)])
            await asyncio.wait_for(until(lambda: place.ledger.state("mine") is SendState.SENT), 2)
            assert place.states("a1")[SendState.PENDING] > 250

    run_virtual(scenario())


def test_people_who_write_much_and_the_bots_backlog_take_turns() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(limits=limited(text=Limit(10))))
        for number in range(40):
            place.ledger.add(f"b{number}", user=f"b{number}", text="bot")
            place.ledger.add(f"p{number}", user=f"p{number}", text="person", origin=Origin.PERSON)
        async with place.serving():
            await asyncio.wait_for(until(lambda: len(place.instagram.sent) >= 40), 10)
        texts = [sent.text for sent in place.instagram.sent]
        assert texts[:40] == ["person", "bot"] * 20

    run_virtual(scenario())


def test_a_person_waiting_does_not_hide_that_a_bots_window_has_closed() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = lambda *_: Fault.TOKEN
        place.ledger.add(
            "p", user="p", origin=Origin.PERSON, deadline_ms=virtual_ms() + HUMAN_AGENT_WINDOW_MS
        )
        place.ledger.add("b", user="b", deadline_ms=virtual_ms() + 30_000)
        async with place.serving():
            await asyncio.wait_for(until(lambda: place.ledger.state("b") is SendState.DEAD), 31)
        assert place.ledger.state("p") is not SendState.DEAD

    run_virtual(scenario())
