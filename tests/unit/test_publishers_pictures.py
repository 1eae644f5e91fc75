"""Pictures on their way out: uploaded once, by link where that fails, looked for without words."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from publishers.bucket import Limit
from publishers.rules import SendingRules
from tests.fakes.clock import frozen_for, run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.messaging import Fault, once
from tests.fakes.outbox import Place, limited, told
from vestlus.errors import StoreUnavailable
from vestlus.instagram.port import PictureToSend
from vestlus.store.ledger import SendState
from vestlus.store.rows import Lease, Transition, TransitionResult

Groups = Sequence[tuple[Lease, Sequence[Transition]]]


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def ways(place: Place, number: int = -1) -> list[str]:
    """Return how the pictures of a message that was sent went."""
    return ["id" if one.attachment_id else "link" for one in place.instagram.sent[number].pictures]


def stats(place: Place) -> dict[str, int]:
    counted = place.tally.stats(in_flight=0, waiting=0, looking=0)
    return {"uploaded": counted.uploaded, "failed": counted.upload_failed}


async def settle(place: Place, seconds: float = 30) -> None:
    async with place.serving():
        await asyncio.wait_for(place.ledger.settled(), seconds)


def test_pictures_go_as_one_message_by_the_ids_of_their_uploads() -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.add("r1", pictures=("map", "menu"))
        await settle(place)
        (sent,) = place.instagram.sent
        assert ways(place) == ["id", "id"]
        assert {url.split("?")[0] for _, _, url in place.instagram.uploads} == {
            "https://media.example/map.png",
            "https://media.example/menu.png",
        }
        assert place.ledger.rows["r1"].sent_mid == sent.mid
        assert (sent.text, sent.human_agent) == ("", False)

    run_virtual(scenario())


def test_a_picture_is_uploaded_once_however_many_need_it_at_the_same_time() -> None:
    async def scenario() -> None:
        place = Place()
        for number in range(50):
            place.ledger.add(f"r{number}", user=f"u{number}", pictures=("map",))
        await settle(place)
        assert len(place.instagram.uploads) == 1
        assert {tuple(ways(place, number)) for number in range(50)} == {("id",)}
        place.ledger.add("other", account="a2", pictures=("map",))
        await settle(place)
        assert [account for _, account, _ in place.instagram.uploads] == ["a1", "a2"]

    run_virtual(scenario())


def test_texts_before_and_after_pictures_keep_their_order() -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.add("r1", text="Siin on kaart:")
        place.ledger.add("r2", pictures=("map",))
        place.ledger.add("r3", text="Kas leiate?")
        await settle(place)
        assert place.instagram.texts("a1", "u1") == ["Siin on kaart:", "", "Kas leiate?"]

    run_virtual(scenario())


@pytest.mark.parametrize(
    "fault",
    [Fault.REFUSE, Fault.CUT, Fault.UNREACHABLE, Fault.THROTTLE, Fault.HANG, Fault.BUG, Fault.STOP],
)
def test_a_picture_that_cannot_be_uploaded_goes_by_link_and_no_send_is_in_doubt(
    fault: Fault,
) -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.upload_fault = lambda *_: fault
        place.ledger.add("r1", pictures=("map",))
        place.ledger.add("r2", pictures=("map",))
        await settle(place, 15)
        assert (ways(place, 0), ways(place, 1)) == (["link"], ["link"])
        assert len(place.instagram.uploads) == 1
        assert (SendState.SENDING, SendState.LOOKING) not in {
            (before, after) for _, before, after in place.ledger.history
        }
        assert stats(place) == {"uploaded": 0, "failed": 1}

    run_virtual(scenario())


def test_an_upload_that_failed_is_tried_again_later() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.upload_fault = once(Fault.CUT)
        async with place.serving():
            place.ledger.add("r1", pictures=("map",))
            await place.ledger.settled()
            await asyncio.sleep(place.rules.upload_retry_seconds)
            place.ledger.add("r2", pictures=("map",))
            await place.ledger.settled()
        assert (ways(place, 0), ways(place, 1)) == (["link"], ["id"])

    run_virtual(scenario())


def test_an_id_that_graph_takes_no_more_is_forgotten_and_the_link_used_once() -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.uploads["a1", "map.png"] = "expired"
        place.ledger.add("r1", pictures=("map", "menu"))
        await settle(place, 5)
        assert ways(place) == ["link", "link"]
        assert place.ledger.uploads == {("a1", "map.png"): "", ("a1", "menu.png"): ""}
        assert len(place.instagram.written) == 2
        place.ledger.add("r2", pictures=("map",))
        await settle(place, 5)
        assert ways(place) == ["id"]

    run_virtual(scenario())


def test_a_refused_id_and_then_a_refused_link_end_the_row() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = lambda *_: Fault.NO_FETCH
        place.ledger.add("r1", pictures=("map",))
        place.ledger.add("r2", text="edasi")
        place.instagram.fault = lambda _, named: (
            Fault.NO_FETCH if named == "pictures" else Fault.NONE
        )
        await settle(place, 10)
        assert place.ledger.rows["r1"].reason == "media_unreachable"
        # By id, by link, and once more because Meta's fetching may have been unlucky.
        assert [named for _, _, named in place.instagram.written] == ["pictures"] * 3 + ["edasi"]

    run_virtual(scenario())


def test_a_link_that_meta_could_not_fetch_is_tried_once_more() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.upload_fault = lambda *_: Fault.REFUSE
        place.instagram.fault = once(Fault.NO_FETCH)
        place.ledger.add("r1", pictures=("map",))
        await settle(place, 10)
        assert ways(place) == ["link"]

    run_virtual(scenario())


def test_a_refusal_that_is_not_about_the_pictures_forgets_no_upload() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = once(Fault.REFUSE)
        place.ledger.add("r1", pictures=("map",))
        await settle(place, 10)
        assert place.ledger.rows["r1"].reason == "outside_window"
        assert place.ledger.uploads["a1", "map.png"]

    run_virtual(scenario())


def test_a_picture_that_may_not_be_sent_any_more_ends_the_row_before_any_request() -> None:
    async def scenario() -> None:
        place = Place()
        place.pictures.withdrawn.add("menu")
        place.ledger.add("r1", pictures=("map", "menu"))
        place.ledger.add("r2", text="edasi")
        await settle(place, 5)
        assert place.ledger.rows["r1"].reason == "picture_unavailable"
        assert [sent.text for sent in place.instagram.sent] == ["edasi"]
        assert not place.instagram.uploads

    run_virtual(scenario())


def test_a_picture_withdrawn_while_its_row_waits_is_not_sent() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = once(Fault.TOKEN)
        place.ledger.add("r1", pictures=("map",))
        async with place.serving():
            await asyncio.sleep(5)
            place.pictures.withdrawn.add("map")
            await asyncio.wait_for(place.ledger.settled(), 65)
        assert place.ledger.rows["r1"].reason == "picture_unavailable"
        assert not place.instagram.sent

    run_virtual(scenario())


def test_a_kill_during_an_upload_leaves_the_row_untouched() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.upload_fault = lambda *_: Fault.HANG
        place.ledger.add("r1", pictures=("map",))
        async with place.serving():
            await until(lambda: place.instagram.uploads)
        assert place.ledger.state("r1") is SendState.PENDING
        assert place.ledger.rows["r1"].row.attempts == 0

    run_virtual(scenario())


def test_texts_do_not_wait_for_uploads() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.upload_fault = lambda *_: Fault.HANG
        for number in range(40):
            place.ledger.add(
                f"p{number}",
                user=f"p{number}",
                pictures=(f"picture{number}",),
                deadline_ms=virtual_ms() + 10**6,
            )
        for number in range(100):
            place.ledger.add(f"t{number}", user=f"t{number}")
        async with place.serving():
            texts = [f"t{number}" for number in range(100)]
            await until(lambda: all(place.ledger.state(t) is SendState.SENT for t in texts))
            assert virtual_monotonic() < 3
            await asyncio.wait_for(place.ledger.settled(), 30)

    run_virtual(scenario())


def test_a_pause_that_begins_during_an_upload_leaves_the_row_untouched() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.latency = 3.0
        place.ledger.add("r1", pictures=("map",))
        async with place.serving() as worker:
            await until(lambda: place.instagram.uploads)
            worker.usage("a1", told(140, minutes=1))
            await asyncio.sleep(50)
            assert place.ledger.uploads
            assert not place.ledger.history
            await asyncio.wait_for(place.ledger.settled(), 20)
        assert place.ledger.rows["r1"].row.attempts == 1

    run_virtual(scenario())


def test_pictures_that_are_tried_again_wait_for_another_turn_unclaimed() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(limits=limited(pictures=Limit(0.05))))
        place.instagram.fault = once(Fault.BUSY)
        place.ledger.add("r1", pictures=("map",))
        await settle(place, 60)
        assert place.ledger.rows["r1"].row.attempts == 2
        assert place.tally.events["given_back"] == 0
        first, second = (time for time, *_ in place.instagram.written)
        assert second - first == pytest.approx(20, abs=1)

    run_virtual(scenario())


def test_a_limit_of_their_own_holds_pictures_back_and_no_text() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(limits=limited(pictures=Limit(5))))
        for number in range(100):
            place.ledger.add(
                f"p{number}",
                user=f"p{number}",
                pictures=("map",),
                deadline_ms=virtual_ms() + 10**6,
            )
        for number in range(200):
            place.ledger.add(f"t{number}", user=f"t{number}")
        async with place.serving():
            texts = [f"t{number}" for number in range(200)]
            await until(lambda: all(place.ledger.state(t) is SendState.SENT for t in texts))
            assert virtual_monotonic() < 5
            await asyncio.wait_for(place.ledger.settled(), 40)
        times = [time for time, _, named in place.instagram.written if named == "pictures"]
        for first in times:
            assert sum(1 for time in times if first <= time < first + 1) <= 6
        assert times[-1] - times[0] < 100 / 5 * 1.1

    run_virtual(scenario())


def test_uploads_keep_to_a_rate_of_their_own_and_what_is_over_goes_by_link() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(limits=limited(upload=Limit(2))))
        for number in range(60):
            place.ledger.add(f"r{number}", user=f"u{number}", pictures=(f"picture{number}",))
        await settle(place, 20)
        times = [time for time, *_ in place.instagram.uploads]
        for first in times:
            assert sum(1 for time in times if first <= time < first + 1) <= 3
        went = [ways(place, number)[0] for number in range(60)]
        assert 2 <= went.count("id") < 20

    run_virtual(scenario())


@pytest.mark.parametrize("frozen", [0.5, 1.5, 2.0])
@pytest.mark.parametrize("after", [0.9, 1.0, 1.02, 1.1, 1.3])
def test_however_long_the_process_is_frozen_uploads_keep_to_their_limit(
    frozen: float, after: float
) -> None:
    async def scenario() -> None:
        place = Place()
        async with place.serving():
            await asyncio.sleep(5)
            for number in range(60):
                place.ledger.add(f"r{number}", user=f"u{number}", pictures=(f"p{number}",))
            asyncio.get_running_loop().call_later(after, frozen_for, frozen)
            await asyncio.wait_for(place.ledger.settled(), 30)
        times = [time for time, *_ in place.instagram.uploads]
        assert len(times) > 10
        for first in times:
            assert sum(1 for time in times if first <= time < first + 1) <= 10

    run_virtual(scenario())


def test_after_a_pause_one_message_goes_first_pictures_too() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.latency = 2.0
        place.instagram.fault = lambda *_: Fault.TOKEN
        place.backlog("a1", 30, pictures=("map",))
        async with place.serving():
            await asyncio.sleep(30)
            burnt = len(place.instagram.written)
            await asyncio.sleep(600)
            assert 8 <= len(place.instagram.written) - burnt <= 10
            place.instagram.fault = lambda *_: Fault.NONE
            await asyncio.wait_for(place.ledger.settled(), 120)

    run_virtual(scenario())


@pytest.mark.parametrize("fault", [Fault.APPLY, Fault.HANG_DONE])
@pytest.mark.parametrize("looks", [0, 1])
def test_pictures_in_doubt_are_found_by_echo_or_in_the_conversation(
    fault: Fault, looks: int
) -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.user_wrote("a1", "u1")
        place.instagram.fault = once(fault)
        if not looks:
            place.echo_after(lambda: 0.5)
        place.ledger.add("r1", pictures=("map", "menu"))
        await settle(place, 20)
        assert place.ledger.state("r1") is SendState.SENT
        assert place.ledger.rows["r1"].sent_mid == place.instagram.sent[0].mid
        assert len(place.instagram.sent) == 1
        assert len(place.instagram.looks) == looks

    run_virtual(scenario())


@pytest.mark.parametrize("away", [19.0, 25.0, 180.0, 600.0])
@pytest.mark.parametrize("echo", [None, 0.5])
def test_a_picture_whose_claim_the_store_wrote_late_is_not_sent_twice(
    away: float, echo: float | None
) -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.user_wrote("a1", "u1")
        place.instagram.fault = once(Fault.APPLY)
        place.echo_after(lambda: echo)
        transitions, back = place.ledger.transitions, 2 + away

        async def no_sooner(groups: Groups) -> list[list[TransitionResult]]:
            if virtual_monotonic() < back:
                raise StoreUnavailable
            return await transitions(groups)

        place.ledger.transitions = no_sooner  # type: ignore[method-assign]
        async with place.serving():
            await asyncio.sleep(2)
            place.ledger.add("r1", pictures=("map",))
            await asyncio.wait_for(place.ledger.settled(), away + 300)
        (sent,) = place.instagram.sent
        assert place.ledger.rows["r1"].sent_mid == sent.mid
        (written,) = place.instagram.written
        assert written[0] < back + 10

    run_virtual(scenario())


@pytest.mark.parametrize(("takes", "written"), [(15.0, 1), (25.0, 0)])
def test_claims_of_a_slow_store_do_not_spin(takes: float, written: int) -> None:
    async def scenario() -> None:
        place = Place()
        transitions = place.ledger.transitions

        async def slow(groups: Groups) -> list[list[TransitionResult]]:
            results = await transitions(groups)
            await asyncio.sleep(takes)
            return results

        place.ledger.transitions = slow  # type: ignore[method-assign]
        async with place.serving():
            place.ledger.add("r1", pictures=("map",))
            await asyncio.sleep(600)
            assert len(place.instagram.written) == written
            assert place.ledger.transactions <= 600 / takes + 1
            place.ledger.transitions = transitions  # type: ignore[method-assign]
            await asyncio.wait_for(place.ledger.settled(), 60)
        assert len(place.instagram.sent) == 1

    run_virtual(scenario())


def test_pictures_that_were_not_sent_are_sent_once_more() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.user_wrote("a1", "u1")
        place.instagram.fault = once(Fault.CUT)
        place.ledger.add("r1", pictures=("map",))
        await settle(place, 80)
        assert len(place.instagram.sent) == 1
        assert len(place.instagram.written) == 2

    run_virtual(scenario())


def test_a_picture_to_send_is_an_address_or_an_id() -> None:
    assert PictureToSend(url="https://a.example/1").attachment_id == ""
    for wrong in ({}, {"url": "u", "attachment_id": "i"}):
        with pytest.raises(ValueError, match="either"):
            PictureToSend(**wrong)
