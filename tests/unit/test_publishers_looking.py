"""Looking before resending: what ends an ambiguous send, and how soon."""

import asyncio
from functools import partial

import pytest

from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.messaging import LISTED, Fault, once
from tests.fakes.outbox import Place
from vestlus.store.ledger import SendState


def place_with(fault: Fault, *more: Fault, rows: int = 1, text: str = "Tere!") -> Place:
    place = Place()
    place.instagram.user_wrote("a1", "u1")
    place.instagram.fault = once(fault, *more)
    for number in range(rows):
        place.ledger.add(f"r{number}", text=text)
    return place


RIGHT = ("clock_put_by_ms", 0)
AMBIGUOUS_AND_DONE = [Fault.APPLY, Fault.HANG_DONE]
AMBIGUOUS_AND_UNDONE = [Fault.CUT, Fault.HANG, Fault.BUG]


@pytest.mark.parametrize("fault", AMBIGUOUS_AND_DONE)
def test_an_echo_ends_the_doubt_without_a_call_to_instagram(fault: Fault) -> None:
    async def scenario() -> None:
        place = place_with(fault)
        place.echo_after(lambda: 0.5)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 13)
        assert place.ledger.state("r0") is SendState.SENT
        assert place.ledger.rows["r0"].sent_mid == place.instagram.sent[0].mid
        assert not place.instagram.looks
        assert len(place.instagram.sent) == 1

    run_virtual(scenario())


@pytest.mark.parametrize("fault", AMBIGUOUS_AND_DONE)
def test_without_echo_the_conversation_ends_the_doubt_soon(fault: Fault) -> None:
    async def scenario() -> None:
        place = place_with(fault)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 14)
        assert place.ledger.state("r0") is SendState.SENT
        assert len(place.instagram.looks) == 1
        assert len(place.instagram.sent) == 1

    run_virtual(scenario())


@pytest.mark.parametrize("fault", AMBIGUOUS_AND_UNDONE)
def test_what_was_not_done_is_resent_once_after_the_settling_time(fault: Fault) -> None:
    async def scenario() -> None:
        place = place_with(fault)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 80)
        assert place.ledger.state("r0") is SendState.SENT
        assert place.instagram.texts("a1", "u1") == ["Tere!"]
        first, second = (time for time, _, _ in place.instagram.written)
        gave_up = first + (10 if fault is Fault.HANG else 0)
        assert 60 <= second - gave_up < 65
        assert len(place.instagram.looks) == 2

    run_virtual(scenario())


def test_what_never_had_a_connection_is_not_in_doubt_however_long_the_client_takes_to_say_so() -> (
    None
):
    async def scenario() -> None:
        place = place_with(Fault.NONE)
        place.instagram.connecting = lambda: 1000.0 if virtual_monotonic() < 300 else 0.0
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 400)
        assert place.instagram.texts("a1", "u1") == ["Tere!"]
        assert not place.instagram.looks
        assert not place.tally.unknown
        assert place.ledger.rows["r0"].row.resends == 0

    run_virtual(scenario())


def test_a_clock_put_forward_does_not_end_the_settling_time() -> None:
    async def scenario() -> None:
        place = place_with(Fault.CUT)
        asyncio.get_running_loop().call_later(1.0, setattr, place, "clock_put_by_ms", 3_600_000)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 80)
        assert place.ledger.state("r0") is SendState.SENT
        first, second = (time for time, _, _ in place.instagram.written)
        assert 60 <= second - first < 65
        assert len(place.instagram.looks) == 2

    run_virtual(scenario())


@pytest.mark.parametrize("by_ms", [-3_600_000, -10_000, -3_000, 3_000, 10_000, 3_600_000])
@pytest.mark.parametrize("pictures", [(), ("map",)])
@pytest.mark.parametrize("echo", [None, 0.5])
@pytest.mark.parametrize("mended_after", [None, 5.0])
def test_a_wrong_clock_doubles_nothing_that_was_done(
    by_ms: int, pictures: tuple[str, ...], echo: float | None, mended_after: float | None
) -> None:
    """From before the attempt on, and put right or not while its answer is waited for."""

    async def scenario() -> None:
        place = place_with(Fault.HANG_DONE, rows=0)
        place.echo_after(lambda: echo)
        place.clock_put_by_ms = by_ms
        place.ledger.add("r0", text="Tere!", pictures=pictures)
        if mended_after is not None:
            asyncio.get_running_loop().call_later(mended_after, setattr, place, *RIGHT)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 90)
        (sent,) = place.instagram.sent
        assert place.ledger.state("r0") is SendState.SENT
        assert place.ledger.rows["r0"].sent_mid == sent.mid

    run_virtual(scenario())


@pytest.mark.parametrize("by_ms", [-3_600_000, 10_000, 3_600_000])
@pytest.mark.parametrize("pictures", [(), ("map",)])
def test_a_new_holder_with_the_same_wrong_clock_doubles_nothing(
    by_ms: int, pictures: tuple[str, ...]
) -> None:
    async def scenario() -> None:
        place = place_with(Fault.NONE, rows=0)
        place.instagram.person_wrote("a1", "u1", "" if pictures else "Tere!", len(pictures))
        place.clock_put_by_ms = by_ms
        attempted_ms = virtual_ms() + by_ms
        place.ledger.add(
            "r0", state=SendState.SENDING, attempted_ms=attempted_ms, pictures=pictures
        )
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 70)
        assert not place.instagram.written
        assert place.ledger.state("r0") is SendState.SENT

    run_virtual(scenario())


def test_with_a_wrong_clock_an_older_message_of_the_same_words_proves_nothing() -> None:
    async def scenario() -> None:
        place = place_with(Fault.CUT, rows=0)
        place.instagram.person_wrote("a1", "u1", "Tere!")
        await asyncio.sleep(20)
        place.clock_put_by_ms = 3_600_000
        place.ledger.add("r0", text="Tere!")
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 80)
        assert place.instagram.texts("a1", "u1") == ["Tere!"]

    run_virtual(scenario())


def test_where_instagram_does_not_tell_the_time_the_clock_is_taken_for_right() -> None:
    async def scenario() -> None:
        place = place_with(Fault.APPLY)
        place.instagram.tells_the_time = False
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 14)
        assert len(place.instagram.sent) == 1

    run_virtual(scenario())


def test_a_clock_put_back_does_not_keep_an_echo_from_being_found() -> None:
    async def scenario() -> None:
        place = place_with(Fault.APPLY)
        place.instagram.look_fault = lambda *_: Fault.CUT
        place.echo_after(lambda: 20.0)
        asyncio.get_running_loop().call_later(10.0, setattr, place, "clock_put_by_ms", -3_600_000)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 60)
        assert len(place.instagram.sent) == 1

    run_virtual(scenario())


def test_an_echo_that_comes_late_ends_the_doubt_within_seconds() -> None:
    async def scenario() -> None:
        place = place_with(Fault.APPLY)
        place.instagram.look_fault = lambda *_: Fault.CUT
        place.echo_after(lambda: 30.0)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 37)
        assert len(place.instagram.sent) == 1

    run_virtual(scenario())


def test_twice_ambiguous_and_not_there_is_unknown_and_holds_up_nothing() -> None:
    async def scenario() -> None:
        place = place_with(Fault.CUT, Fault.CUT, rows=2)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 150)
        assert place.ledger.state("r0") is SendState.UNKNOWN
        assert place.ledger.rows["r0"].reason == "ambiguous_twice"
        assert place.ledger.state("r1") is SendState.SENT
        assert len(place.instagram.written) == 3

    run_virtual(scenario())


def test_ten_identical_answers_of_which_five_were_cut_off_are_ten() -> None:
    async def scenario() -> None:
        done, undone, fine = Fault.APPLY, Fault.CUT, Fault.NONE
        place = place_with(
            undone, fine, done, fine, undone, fine, undone, done, fine, fine, rows=10
        )
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 600)
        assert place.instagram.texts("a1", "u1") == ["Tere!"] * 10
        assert {kept.row.state for kept in place.ledger.rows.values()} == {SendState.SENT}
        assert {kept.sent_mid for kept in place.ledger.rows.values()} == {
            sent.mid for sent in place.instagram.sent
        }

    run_virtual(scenario())


def test_sends_left_by_a_killed_holder_are_looked_for() -> None:
    async def scenario() -> None:
        place = place_with(Fault.NONE, rows=0)
        place.instagram.person_wrote("a1", "u1", "on seal")
        place.instagram.user_wrote("a1", "u2")
        attempted = virtual_ms()
        for user, text in (("u1", "on seal"), ("u2", "ei ole")):
            place.ledger.add(
                user, user=user, text=text, state=SendState.SENDING, attempted_ms=attempted
            )
        await asyncio.sleep(1)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 70)
        assert place.instagram.texts("a1", "u1") == []
        assert place.instagram.texts("a1", "u2") == ["ei ole"]
        assert place.ledger.state("u1") is place.ledger.state("u2") is SendState.SENT
        assert place.instagram.written[0][0] >= 60

    run_virtual(scenario())


@pytest.mark.parametrize("state", [SendState.SENDING, SendState.LOOKING])
def test_a_new_holder_waits_the_whole_settling_time_whatever_the_row_says(
    state: SendState,
) -> None:
    """The store wrote the claim late, or the clock was put forward since."""

    async def scenario() -> None:
        place = place_with(Fault.NONE, rows=0)
        an_hour_ago = virtual_ms() - 3_600_000
        place.ledger.add("r0", state=state, attempted_ms=an_hour_ago)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 70)
        (only,) = place.instagram.written
        assert only[0] >= 60

    run_virtual(scenario())


def test_looks_that_fail_are_repeated_until_one_succeeds() -> None:
    async def scenario() -> None:
        place = place_with(Fault.APPLY)
        place.instagram.look_fault = once(Fault.CUT, Fault.HANG, Fault.BUG, Fault.UNREACHABLE)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 120)
        assert place.ledger.state("r0") is SendState.SENT
        assert len(place.instagram.looks) == 5

    run_virtual(scenario())


def test_looks_that_fail_for_half_an_hour_end_as_unknown() -> None:
    async def scenario() -> None:
        place = place_with(Fault.CUT)
        place.instagram.look_fault = lambda *_: Fault.CUT
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 2200)
            assert virtual_monotonic() >= 1800
        assert place.ledger.rows["r0"].reason == "look_failed"
        assert len(place.instagram.looks) < 20

    run_virtual(scenario())


def test_a_look_with_a_rejected_token_waits_for_the_token_however_long() -> None:
    async def scenario() -> None:
        place = place_with(Fault.APPLY)
        place.instagram.look_fault = lambda *_: Fault.TOKEN
        async with place.serving():
            await asyncio.sleep(7200)
            assert place.ledger.state("r0") is SendState.LOOKING
            place.instagram.look_fault = lambda *_: Fault.NONE
            await asyncio.wait_for(place.ledger.settled(), 62)
        assert place.ledger.state("r0") is SendState.SENT

    run_virtual(scenario())


def test_a_refused_look_ends_as_unknown_after_the_settling_time() -> None:
    async def scenario() -> None:
        place = place_with(Fault.CUT)
        place.instagram.look_fault = lambda *_: Fault.REFUSE
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 70)
        assert place.ledger.rows["r0"].reason == "look_refused"
        assert len(place.instagram.looks) == 2

    run_virtual(scenario())


def test_a_conversation_that_has_moved_on_too_far_ends_as_unknown() -> None:
    async def scenario() -> None:
        place = place_with(Fault.CUT)
        async with place.serving():
            await asyncio.sleep(20)
            for _ in range(LISTED):
                place.instagram.user_wrote("a1", "u1", "Halloo?")
            await asyncio.wait_for(place.ledger.settled(), 70)
        assert place.ledger.rows["r0"].reason == "not_in_reach"
        assert len(place.instagram.written) == 1

    run_virtual(scenario())


def test_a_window_that_closed_while_looking_still_counts_what_was_sent() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = lambda _, text: Fault.APPLY if text == "jah" else Fault.CUT
        for text in ("jah", "ei"):
            place.instagram.user_wrote("a1", text)
            place.ledger.add(text, user=text, text=text, deadline_ms=virtual_ms() + 1000)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 80)
        assert place.ledger.state("jah") is SendState.SENT
        assert place.ledger.rows["ei"].reason == "window_closed"

    run_virtual(scenario())


def test_an_echo_that_comes_while_the_conversation_is_read_ends_the_doubt() -> None:
    async def scenario() -> None:
        place = place_with(Fault.NONE, rows=0)
        long_ago = virtual_ms() - 200_000
        place.ledger.add("r0", state=SendState.LOOKING, attempted_ms=long_ago, resends=1)

        def echo(_account: str, _user: str) -> Fault:
            # During the look that would prove that nothing was sent.
            if len(place.instagram.looks) == 2:
                place.ledger.add_echo("a1", "u1", "m77", "Tere!", long_ago + 500)
            return Fault.NONE

        place.instagram.look_fault = echo
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 65)
        assert len(place.instagram.looks) == 2
        assert place.ledger.rows["r0"].sent_mid == "m77"

    run_virtual(scenario())


@pytest.mark.parametrize(("by_ms", "mended_at"), [(0, None), (3_600_000, None), (3_600_000, 90.0)])
def test_an_echo_that_comes_between_the_proof_of_absence_and_the_resend_prevents_it(
    by_ms: int, mended_at: float | None
) -> None:
    async def scenario() -> None:
        place = place_with(Fault.LATE)
        place.clock_put_by_ms = by_ms
        place.instagram.late_seconds = 80.0
        place.echo_after(lambda: 0.1)
        # Nothing can be sent for a while after absence seemed proven.
        place.until = lambda: (
            0.0
            if place.ledger.rows["r0"].row.resends and virtual_monotonic() < 100
            else virtual_monotonic() + 60
        )
        if mended_at is not None:
            mend = partial(setattr, place, "clock_put_by_ms", 0)
            asyncio.get_running_loop().call_later(mended_at, mend)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 200)
            await asyncio.sleep(60)
        assert place.instagram.texts("a1", "u1") == ["Tere!"]
        assert place.ledger.state("r0") is SendState.SENT
        assert place.ledger.rows["r0"].row.resends == 1

    run_virtual(scenario())


def test_a_message_done_after_the_settling_time_is_doubled_at_most_once() -> None:
    async def scenario() -> None:
        place = place_with(Fault.LATE)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 80)
            await asyncio.sleep(60)
        assert len(place.instagram.sent) == 2

    run_virtual(scenario())


def test_a_mid_that_proves_another_row_already_is_looked_into() -> None:
    async def scenario() -> None:
        place = place_with(Fault.NONE, rows=0)
        place.ledger.add("other", user="u9", state=SendState.SENT)
        place.ledger.claim("other", "m2")
        place.ledger.add("r0")
        place.instagram._mid = lambda: "m2"  # type: ignore[method-assign]
        async with place.serving() as worker:
            while not worker.looking:
                await asyncio.sleep(0.01)
        assert place.ledger.state("r0") is SendState.LOOKING

    run_virtual(scenario())


def test_looks_keep_to_two_calls_a_second_and_echoes_do_not_wait_for_them() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(in_flight=1000))
        place.instagram.fault = lambda *_: Fault.HANG_DONE
        for number in range(200):
            place.instagram.user_wrote("a1", f"u{number}")
            place.ledger.add(f"r{number}", user=f"u{number}", text=f"t{number}")
        echoed = iter(range(200))
        place.echo_after(lambda: None if next(echoed) % 10 == 0 else 1.0)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 60)
        times = [time for time, _ in place.instagram.look_calls]
        assert 40 <= len(times) < 60
        for first in times:
            assert sum(1 for time in times if first <= time < first + 1) <= 2
        assert len(place.instagram.sent) == 200

    run_virtual(scenario())


def test_an_outage_that_answers_with_errors_spends_few_rows() -> None:
    async def scenario() -> None:
        place = Place()
        for number in range(500):
            place.instagram.user_wrote("a1", f"u{number}")
            place.ledger.add(f"r{number}", user=f"u{number}", text=f"t{number}")
        place.instagram.fault = place.instagram.look_fault = lambda *_: Fault.CUT
        async with place.serving():
            await asyncio.sleep(600)
            assert len(place.instagram.written) < 60
            place.instagram.fault = place.instagram.look_fault = lambda *_: Fault.NONE
            await asyncio.wait_for(place.ledger.settled(), 400)
        assert len(place.instagram.sent) == 500

    run_virtual(scenario())
