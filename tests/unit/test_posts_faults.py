"""Whatever fails, and however often the process dies: each post once, or a clear end."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publishers.bucket import Limit
from publishers.posts_rules import PostRules
from publishers.quota import Quota
from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual
from tests.fakes.messaging import Fault
from tests.fakes.outbox import limited
from tests.fakes.posting import PostPlace
from tests.fakes.publishing import PretendPublishing
from vestlus.store.post_rows import PostKind
from vestlus.store.posts import PostState

FAULTS = (
    *(Fault.APPLY, Fault.CUT, Fault.UNREACHABLE, Fault.BUSY, Fault.THROTTLE),
    *(Fault.HANG, Fault.HANG_DONE, Fault.BUG, Fault.TOKEN),
)


@dataclass(frozen=True)
class Storm:
    """What a run is like. Chances are per request."""

    seed: int
    posts: int
    same_words: bool
    fault_chance: float
    read_fault_chance: float
    kills: int
    outages: int
    processing: float


storms = st.builds(
    Storm,
    seed=st.integers(0, 2**32),
    posts=st.integers(1, 3),
    same_words=st.booleans(),
    fault_chance=st.floats(0, 0.6),
    read_fault_chance=st.floats(0, 0.5),
    kills=st.integers(0, 6),
    outages=st.integers(0, 3),
    processing=st.floats(0, 90),
)

slow = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Run:
    """One storm from beginning to end, and what it left."""

    def __init__(self, storm: Storm) -> None:
        self.storm = storm
        self.chance = random.Random(storm.seed)  # noqa: S311 - no secret
        self.place = PostPlace(
            instagram=PretendPublishing(processing_seconds=storm.processing),
            # Room enough for a storm: limits are tested elsewhere.
            rules=SendingRules(limits=limited(Quota(10_000, 86_400.0), publish=Limit(5.0))),
            posts=PostRules(
                look_give_up_seconds=1_800.0,
                tries=60,
                fetch_tries=60,
                rounds=20,
                retry_seconds=1.0,
                longest_retry_seconds=10.0,
                status_limit_seconds=1_000.0,
                poll_seconds=5.0,
                token_probe_seconds=10.0,
            ),
        )
        self.place.store._chance = self.chance
        self.place.instagram.fault = self.fault

    def fault(self, op: str, _account: str) -> Fault:
        reads = op in {"status", "quota", "posts"}
        likely = self.storm.read_fault_chance if reads else self.storm.fault_chance
        return self.chance.choice(FAULTS) if self.chance.random() < likely else Fault.NONE

    async def run(self) -> None:
        storm, place = self.storm, self.place
        for number in range(storm.posts):
            pictures = self.chance.choice((1, 1, 2, 3))
            story = pictures == 1 and self.chance.random() < 0.2
            words = "" if story else "Samad sõnad" if storm.same_words else f"Postitus {number}"
            place.store.plan(
                f"p{number}",
                account=f"a{number % 2}",
                pictures=pictures,
                caption=words,
                **({"kind": PostKind.STORY} if story else {}),
            )
        kills = sorted(self.chance.uniform(0, 60) for _ in range(storm.kills))
        async with asyncio.TaskGroup() as group:
            outages = group.create_task(self.fail_store())
            await self.serve(kills)
            outages.cancel()

    async def fail_store(self) -> None:
        for _ in range(self.storm.outages):
            await asyncio.sleep(self.chance.uniform(0, 30))
            self.place.store.unavailable = self.chance.randint(1, 4)
            self.place.store.in_doubt = self.chance.randint(0, 2)

    async def serve(self, kills: list[float]) -> None:
        """Serve until all has ended; a kill takes the lease away in the same instant."""
        loop = asyncio.get_running_loop()
        while True:
            running = self.place.start()
            end = kills.pop(0) if kills else None
            while not self.place.store.all_ended() and (end is None or loop.time() < end):
                await asyncio.sleep(0.05 if end is not None else 5.0)
                if running.done():
                    await running
            self.place.next_lease()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            if self.place.store.all_ended():
                return


def check(run: Run) -> None:
    """Nothing twice, nothing claimed that is not there, and every end is a clear one."""
    grid = run.place.instagram.grid
    ours = {one.container for row in run.place.store.rows.values() for one in row.containers}
    for row in run.place.store.rows.values():
        containers = {one.container for one in row.containers if one.container}
        out = [post for post in grid if post.container in containers]
        assert len(out) <= 1, "published twice"
        match row.state:
            case PostState.PUBLISHED:
                assert [post.caption for post in out] == [row.caption]
                assert len(out[0].pictures) == len(row.pictures)
            case PostState.DEAD:
                assert not out, "dead, and published all the same"
                assert row.problem
            case _:
                assert row.state is PostState.UNKNOWN
                assert row.problem
                in_doubt = [step for step in run.place.store.history if step[0] == row.id]
                assert any(after is PostState.LOOKING for _, _, after in in_doubt)
    assert all(post.container in ours for post in grid), "published from a container of nobody's"
    claims = [row.media_id for row in run.place.store.rows.values() if row.media_id]
    assert len(claims) == len(set(claims))
    assert set(claims) <= {post.id for post in grid}


@slow
@given(storms)
def test_every_post_is_published_once_or_ends_clearly(storm: Storm) -> None:
    run = Run(storm)
    run_virtual(run.run(), longest=300_000)
    check(run)


@slow
@given(storms.map(lambda storm: Storm(**{**vars(storm), "kills": 0, "outages": 0})))
def test_every_post_is_published_when_no_request_to_publish_is_lost(storm: Storm) -> None:
    run = Run(storm)
    undone = {Fault.CUT, Fault.HANG, Fault.BUG}

    def fault(op: str, account: str) -> Fault:
        told = Run.fault(run, op, account)
        return Fault.NONE if op == "publish" and told in undone else told

    run.place.instagram.fault = fault
    run_virtual(run.run(), longest=300_000)
    check(run)
    states = [row.state for row in run.place.store.rows.values()]
    assert set(states) <= {PostState.PUBLISHED, PostState.UNKNOWN}
    for row in run.place.store.rows.values():
        assert row.state is PostState.PUBLISHED or row.reason == "not_readable"


def test_a_late_publish_doubles_a_post_at_most_once() -> None:
    async def scenario() -> None:
        place = PostPlace(instagram=PretendPublishing(late_seconds=200.0))
        left = [Fault.LATE]
        place.instagram.fault = lambda op, _: left.pop() if op == "publish" and left else Fault.NONE
        await place.publish()
        await asyncio.sleep(300)
        assert place.instagram.captions() == ["Postitus x"] * 2

    run_virtual(scenario())


def test_the_storms_take_every_step_of_a_post() -> None:
    taken: set[tuple[PostState, PostState]] = set()
    for seed in range(12):
        storm = Storm(
            seed=seed,
            posts=5,
            same_words=False,
            fault_chance=0.4 + 0.04 * seed,
            read_fault_chance=0.3,
            kills=6,
            outages=2,
            processing=20.0,
        )
        run = Run(storm)
        run_virtual(run.run(), longest=300_000)
        taken |= {(before, after) for _, before, after in run.place.store.history}
    planned, waiting, ready = PostState.PLANNED, PostState.WAITING, PostState.READY
    creating, publishing, looking = (
        PostState.CREATING,
        PostState.PUBLISHING,
        PostState.LOOKING,
    )
    assert taken >= {
        (planned, creating),
        (creating, planned),
        (creating, waiting),
        (waiting, waiting),
        (waiting, planned),
        (waiting, ready),
        (ready, publishing),
        (publishing, PostState.PUBLISHED),
        (publishing, ready),
        (publishing, looking),
        (looking, looking),
        (looking, PostState.PUBLISHED),
        (looking, ready),
        (looking, PostState.UNKNOWN),
    }
