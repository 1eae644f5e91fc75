"""Which size a pool follows: the settings', or a person's until the settings change."""

from __future__ import annotations

import pytest

from tests.fakes.pools import QUIET, Wishes, pool_load
from vestlus.errors import StoreUnavailable
from vestlus.hosting.sizing import DECLARED, Headcount, Sizing
from vestlus.scaling.busyness import SAMPLE_SECONDS, Busyness
from vestlus.scaling.load import PoolLoad
from vestlus.scaling.size import MOST_REPLICAS
from vestlus.settings import Mode, load_settings
from vestlus.store.pool_rows import Pool, PoolState
from vestlus.store.rows import Member, MemberKind

BUSY = pool_load(1, 1.0, 60.0)


async def started(store: Wishes, size: str = "1", cluster: str = "c1") -> Sizing:
    """A registry's sizing as it begins with these settings."""
    settings = load_settings({"VESTLUS_CONVERSATION_ACTORS": size}, mode=Mode.OPERATE)
    sizing = Sizing(settings, cluster=cluster, outbox_partitions=4)
    await sizing.begin(store)
    return sizing


def size_of(sizing: Sizing, now: float = 0.0, load: PoolLoad = QUIET) -> int:
    return sizing.pools[Pool.CONVERSATION].decide(load, 4, now)


async def test_without_a_wish_the_settings_hold() -> None:
    assert size_of(await started(Wishes(), "3")) == 3


async def test_a_wish_is_followed_while_it_runs_and_after_a_restart() -> None:
    store = Wishes()
    sizing = await started(store)
    await store.wish({Pool.CONVERSATION: "4"})
    await sizing.refresh(store)
    assert size_of(sizing) == 4
    assert size_of(await started(store)) == 4


async def test_a_wish_of_before_the_first_start_is_followed_and_bound_to_its_settings() -> None:
    store = Wishes()
    await store.wish({Pool.CONVERSATION: "4"})
    assert size_of(await started(store, "2")) == 4
    assert size_of(await started(store, "2")) == 4
    assert size_of(await started(store, "3")) == 3


async def test_settings_that_change_win_for_good() -> None:
    store = Wishes()
    await store.wish({Pool.CONVERSATION: "4"})
    assert size_of(await started(store, "1")) == 4
    assert size_of(await started(store, "2")) == 2
    # Back again: the wish does not come alive.
    assert size_of(await started(store, "1")) == 1


async def test_a_cluster_with_other_settings_takes_no_wish_from_one_that_follows_it() -> None:
    store = Wishes()
    one = await started(store, "1")
    await store.wish({Pool.CONVERSATION: "4"})
    await one.refresh(store)
    await one.tell(store, {Pool.CONVERSATION: Headcount()})
    other = await started(store, "2", "c2")
    await other.refresh(store)
    await one.refresh(store)
    assert (size_of(one), size_of(other)) == (4, 2)
    # That one has ended, and its settings with it.
    store.told = []
    await other.refresh(store)
    assert size_of(await started(store, "1", "c3")) == 1


async def test_a_wish_that_is_said_while_two_clusters_run_is_followed_by_both() -> None:
    store = Wishes()
    await store.wish({Pool.CONVERSATION: "4"})
    one = await started(store, "1")
    await one.tell(store, {Pool.CONVERSATION: Headcount()})
    other = await started(store, "2", "c2")
    assert size_of(other) == 2
    await store.wish({Pool.CONVERSATION: "4"})
    for _ in range(2):
        await one.refresh(store)
        await other.refresh(store)
    assert (size_of(one), size_of(other)) == (4, 4)
    assert size_of(await started(store, "1")) == 4
    assert size_of(await started(store, "2", "c2")) == 4


async def test_a_wish_that_is_taken_back_leaves_the_settings() -> None:
    store = Wishes()
    sizing = await started(store, "2")
    await store.wish({Pool.CONVERSATION: "4"})
    await sizing.refresh(store)
    await store.wish({Pool.CONVERSATION: None})
    await sizing.refresh(store)
    assert size_of(sizing) == 2


async def test_a_store_that_is_away_changes_no_size_and_telling_fails_quietly() -> None:
    store = Wishes()
    await store.wish({Pool.CONVERSATION: "4"})
    sizing = await started(store)
    store.away = True
    with pytest.raises(StoreUnavailable):
        await sizing.refresh(store)
    await sizing.tell(store, {Pool.CONVERSATION: Headcount()})
    assert size_of(sizing) == 4
    assert store.told == []


async def test_auto_begins_with_what_there_is_and_grows_within_its_bounds() -> None:
    store = Wishes()
    sizing = await started(store, "2")
    assert size_of(sizing) == 2
    await store.wish({Pool.CONVERSATION: "auto:1-3"})
    await sizing.refresh(store)
    assert size_of(sizing, 1.0) == 2
    loads = [pool_load(2, 1.0, 60.0)] * 30
    sizes = [size_of(sizing, 2.0 * at, load) for at, load in enumerate(loads)]
    assert sizes[-1] == 3
    await sizing.tell(store, {Pool.CONVERSATION: Headcount(3, 2, 1)})
    assert store.told == [
        PoolState(
            "c1",
            Pool.CONVERSATION,
            configured="2",
            followed="auto:1-3",
            wished=3,
            running=3,
            ready=2,
            pending=1,
            busy_percent=100,
            backlog_ms=60_000,
            reason="busy 100%, oldest waiting 60.0 s",
        )
    ]


async def test_a_registry_that_comes_back_goes_on_with_the_actors_that_there_are() -> None:
    sizing = await started(Wishes(), "auto:1-4")
    sizing.pools[Pool.CONVERSATION].found(3)
    assert size_of(sizing, 1.0, pool_load(3, 0.0)) == 3
    fixed = await started(Wishes(), "2")
    fixed.pools[Pool.CONVERSATION].found(3)
    assert size_of(fixed) == 2


async def test_one_bad_look_at_the_processors_ends_no_actor_and_a_persons_bound_holds() -> None:
    store = Wishes()
    sizing = await started(store, "auto")
    pool = sizing.pools[Pool.CONVERSATION]
    pool.found(8)
    busy = pool_load(8, 0.7)
    assert [pool.decide(busy, seen, 2.0 * at) for at, seen in enumerate((8, 1, 0, 8))] == [8] * 4
    await store.wish({Pool.CONVERSATION: "auto:1-3"})
    await sizing.refresh(store)
    assert pool.decide(busy, 8, 9.0) == 3


async def test_no_more_actors_are_started_than_there_are_partitions() -> None:
    assert size_of(await started(Wishes(), "500")) == 16


async def test_a_pool_that_a_configuration_declares_is_told_as_set_with_the_reason() -> None:
    store = Wishes()
    sizing = await started(store)
    webhook = sizing.pools[Pool.WEBHOOK]
    webhook.declared = True
    heads = {Pool.WEBHOOK: Headcount(1, 1)}
    await sizing.tell(store, heads)
    assert [(one.followed, one.reason) for one in store.told] == [("1", "")]
    await store.wish({Pool.WEBHOOK: "4"})
    await sizing.refresh(store)
    await sizing.tell(store, heads)
    assert [(one.followed, one.reason) for one in store.told] == [("1", DECLARED)]
    # By it Serve's configuration is compared with the wish.
    assert str(webhook.followed) == "4"


async def test_no_more_webhook_replicas_are_told_than_are_started() -> None:
    settings = load_settings({"VESTLUS_WEBHOOK_REPLICAS": "200"}, mode=Mode.OPERATE)
    sizing = Sizing(settings, cluster="c1", outbox_partitions=4)
    assert sizing.pools[Pool.WEBHOOK].size == MOST_REPLICAS


def test_an_actor_is_as_busy_as_its_processor_time_says_however_much_it_holds() -> None:
    busyness = Busyness()
    busyness.note(100.0, 7.0, 0.0)
    assert busyness.share == 0.0
    busyness.note(100.0 + SAMPLE_SECONDS, 7.0 + SAMPLE_SECONDS / 2, 0.0)
    assert busyness.share == pytest.approx(0.5)
    busyness.note(100.1 + SAMPLE_SECONDS, 99.0, 0.9)  # too soon for another sample
    assert busyness.share == pytest.approx(0.5)
    assert busyness.full == pytest.approx(0.9)


def test_another_process_of_the_same_name_begins_anew() -> None:
    busyness = Busyness()
    busyness.note(0.0, 50.0, 0.0)
    busyness.note(10.0, 60.0, 0.0)
    assert busyness.share == 1.0
    busyness.note(20.0, 0.5, 0.0)
    assert busyness.share == 0.0


def test_a_quiet_pool_shrinks_after_as_long_as_the_settings_say() -> None:
    given = {"VESTLUS_CONVERSATION_ACTORS": "auto:1-4", "VESTLUS_SHRINK_AFTER_SECONDS": "60"}
    settings = load_settings(given, mode=Mode.OPERATE)
    pool = Sizing(settings, cluster="c1", outbox_partitions=4).pools[Pool.CONVERSATION]
    pool.found(2)
    assert [pool.decide(QUIET, 4, now) for now in (0.0, 59.0, 60.0)] == [2, 2, 1]


async def test_a_wish_outlives_a_registry_that_is_silent_for_a_while() -> None:
    store = Wishes()
    first = await started(store, "1", cluster="old")
    await store.wish({Pool.CONVERSATION: "4"})
    await first.refresh(store)
    # Its node died, and Ray has not started it again yet; its actors serve on.
    store.told = []
    store.members = [Member("old/conversation-0", MemberKind.CONVERSATION, "1", "h", 1)]
    second = await started(store, "2", cluster="new")
    assert size_of(second) == 2
    await first.refresh(store)
    assert size_of(first) == 4
    # It does not come back, and nothing of it is left.
    store.members = [Member("new/conversation-0", MemberKind.CONVERSATION, "1", "h", 2)]
    await second.refresh(store)
    assert store.kept == {}
