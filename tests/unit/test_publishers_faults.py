"""Whatever fails, and however often the process dies: each row once, each user in order."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_ms
from tests.fakes.messaging import UNDONE_AND_UNKNOWN, Fault
from tests.fakes.outbox import Place, reference
from vestlus.messages import ActionRequest
from vestlus.store.ledger import SendState

#: Faults that leave no doubt, or of which a look finds the message.
HARMLESS = (Fault.APPLY, Fault.HANG_DONE, Fault.UNREACHABLE, Fault.BUSY, Fault.THROTTLE)
DOUBTFUL = (*HARMLESS, *sorted(UNDONE_AND_UNKNOWN))


@dataclass(frozen=True)
class Storm:
    """What a run is like. Chances are per request or per call of the store."""

    seed: int
    users: int
    rows_each: int
    same_text: bool
    faults: tuple[Fault, ...]
    fault_chance: float
    look_fault_chance: float
    echo_chance: float
    longest_echo: float
    kills: int
    outages: int
    bells: bool
    #: Chance that a row is of pictures, and that an upload or an action fails.
    picture_chance: float
    upload_fault_chance: float


storms = st.builds(
    Storm,
    seed=st.integers(0, 2**32),
    users=st.integers(1, 12),
    rows_each=st.integers(1, 5),
    same_text=st.booleans(),
    faults=st.just(DOUBTFUL),
    fault_chance=st.floats(0, 0.6),
    look_fault_chance=st.floats(0, 0.5),
    echo_chance=st.floats(0, 1),
    longest_echo=st.floats(0, 50),
    kills=st.integers(0, 5),
    outages=st.integers(0, 4),
    bells=st.booleans(),
    picture_chance=st.floats(0, 1),
    upload_fault_chance=st.floats(0, 0.6),
)

slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Run:
    """One storm from beginning to end, and what it left."""

    def __init__(self, storm: Storm) -> None:
        self.storm = storm
        self.chance = random.Random(storm.seed)  # noqa: S311 - no secret
        self.place = Place(rules=SendingRules(not_sent_attempts=50))
        self.place.ledger._chance = self.chance
        self.place.instagram.retry_after = 5.0

    def fault(self, _account: str, _text: str) -> Fault:
        if self.chance.random() < self.storm.fault_chance:
            return self.chance.choice(self.storm.faults)
        return Fault.NONE

    def look_fault(self, _account: str, _text: str) -> Fault:
        if self.chance.random() < self.storm.look_fault_chance:
            return self.chance.choice((Fault.CUT, Fault.UNREACHABLE, Fault.HANG, Fault.BUG))
        return Fault.NONE

    def upload_fault(self, _account: str, _text: str) -> Fault:
        if self.chance.random() < self.storm.upload_fault_chance:
            return self.chance.choice((*DOUBTFUL, Fault.REFUSE, Fault.NO_FETCH))
        return Fault.NONE

    def echo(self) -> float | None:
        if self.chance.random() < self.storm.echo_chance:
            return self.chance.uniform(0, self.storm.longest_echo)
        return None

    async def run(self) -> None:
        storm, place = self.storm, self.place
        place.instagram.fault, place.instagram.look_fault = self.fault, self.look_fault
        place.instagram.upload_fault = place.instagram.action_fault = self.upload_fault
        place.echo_after(self.echo)
        for user in range(storm.users):
            place.instagram.user_wrote(f"a{user % 3}", f"u{user}")
        ends = [self.chance.uniform(0, 100) for _ in range(storm.kills)]
        outages = [self.chance.uniform(0, 100) for _ in range(storm.outages)]
        async with asyncio.timeout(5_000), asyncio.TaskGroup() as group:
            rings: list[object] = []
            group.create_task(self.write(rings))
            group.create_task(self.fail_store(sorted(outages)))
            await self.serve(sorted(ends), rings)

    async def write(self, rings: list[object]) -> None:
        storm = self.storm
        for turn in range(storm.rows_each):
            for user in range(storm.users):
                pictures: tuple[str, ...] = ()
                if self.chance.random() < storm.picture_chance:
                    pictures = tuple(f"p{n}" for n in range(self.chance.randint(1, 3)))
                row = self.place.ledger.add(
                    f"r{user}.{turn}",
                    account=f"a{user % 3}",
                    user=f"u{user}",
                    text=f"u{user}" if storm.same_text else f"u{user} {turn}",
                    pictures=pictures,
                )
                if storm.bells:
                    rings.append(reference(row))
                await asyncio.sleep(self.chance.uniform(0, 0.5))

    def action(self) -> ActionRequest:
        """Ask that some user be shown something; whether anybody sees it must not matter."""
        user = self.chance.randrange(self.storm.users)
        until_ms = virtual_ms() + 2000
        return ActionRequest(
            account=f"a{user % 3}", user=f"u{user}", action="typing_on", until_ms=until_ms
        )

    async def fail_store(self, times: list[float]) -> None:
        now = 0.0
        for time in times:
            await asyncio.sleep(time - now)
            now = time
            self.place.ledger.unavailable = self.chance.randint(1, 4)
            self.place.ledger.in_doubt = self.chance.randint(0, 2)

    async def serve(self, kills: list[float], rings: list[object]) -> None:
        """Serve until all is settled; a kill takes the lease away in the same instant."""
        loop = asyncio.get_running_loop()
        expected = self.storm.users * self.storm.rows_each
        while True:
            worker = self.place.worker()
            running = asyncio.create_task(worker.run())
            end = kills.pop(0) if kills else None
            while not running.done() and (end is None or loop.time() < end):
                while rings:
                    worker.ring([rings.pop()])  # type: ignore[list-item]
                    worker.show([self.action()])
                await asyncio.sleep(0.1)
                if len(self.place.ledger.rows) == expected and self.place.ledger.all_finished():
                    end, kills = loop.time(), []
                    break
            if running.done():
                await running
            self.place.ledger.take_over(0)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            if (
                self.place.ledger.all_finished()
                and not kills
                and len(self.place.ledger.rows) == expected
            ):
                return


def check(run: Run) -> None:
    """Nothing twice, nothing claimed that is not there, nothing out of order."""
    place = run.place
    sent = {one.mid: one for one in place.instagram.sent}
    claims = [kept.sent_mid for kept in place.ledger.rows.values() if kept.sent_mid]
    assert len(claims) == len(set(claims))
    assert set(claims) == set(sent), "a message without its row"
    for kept in place.ledger.rows.values():
        if kept.row.state is SendState.SENT:
            assert sent[kept.sent_mid or ""].text == kept.row.text
            assert sent[kept.sent_mid or ""].user == kept.row.user
            assert len(sent[kept.sent_mid or ""].pictures) == len(kept.row.pictures)
        else:
            assert (kept.row.state, kept.reason) == (SendState.UNKNOWN, "ambiguous_twice")
            # A kill between claim and request is as ambiguous as a request that was cut off.
            doubt = (kept.row.id, SendState.SENDING, SendState.LOOKING)
            assert place.ledger.history.count(doubt) == 2
    for user in {one.user for one in place.instagram.sent}:
        at = [
            sent[kept.sent_mid].at_ms
            for kept in place.ledger.rows.values()
            if kept.row.user == user and kept.sent_mid
        ]
        assert at == sorted(at)


@slow
@given(storms)
def test_every_row_is_sent_once_and_in_order_or_ambiguous_twice(storm: Storm) -> None:
    run = Run(storm)
    run_virtual(run.run())
    check(run)


@slow
@given(storms.map(lambda storm: Storm(**{**vars(storm), "faults": HARMLESS, "kills": 0})))
def test_every_row_is_sent_when_no_request_is_lost_twice(storm: Storm) -> None:
    run = Run(storm)
    run_virtual(run.run())
    check(run)
    states = {kept.row.state for kept in run.place.ledger.rows.values()}
    assert states == {SendState.SENT}


@slow
@given(storms.map(lambda storm: Storm(**{**vars(storm), "faults": (Fault.LATE,), "kills": 0})))
def test_late_requests_double_a_row_at_most_once(storm: Storm) -> None:
    run = Run(storm)
    run.place.instagram.late_seconds = 200.0

    async def scenario() -> None:
        await run.run()
        await asyncio.sleep(300)

    run_virtual(scenario())
    written = len(run.place.instagram.written)
    assert written <= 2 * len(run.place.ledger.rows)
    assert len(run.place.instagram.sent) <= 2 * len(run.place.ledger.rows)


def test_the_storms_take_every_step_of_the_ledger_that_sending_makes() -> None:
    taken: set[tuple[SendState, SendState]] = set()
    for seed in range(6):
        run = Run(
            Storm(
                seed=seed,
                users=10,
                rows_each=3,
                same_text=True,
                faults=DOUBTFUL,
                fault_chance=0.5,
                look_fault_chance=0.3,
                echo_chance=0.5,
                longest_echo=40,
                kills=4,
                outages=3,
                bells=True,
                picture_chance=0.3,
                upload_fault_chance=0.3,
            )
        )
        run_virtual(run.run())
        taken |= {(before, after) for _, before, after in run.place.ledger.history}
    pending, sending, looking = SendState.PENDING, SendState.SENDING, SendState.LOOKING
    assert taken >= {
        (pending, sending),
        (sending, SendState.SENT),
        (sending, pending),
        (sending, looking),
        (looking, SendState.SENT),
        (looking, pending),
        (looking, SendState.UNKNOWN),
    }
