"""Whose things go when, and where a walk need not look again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_retention import NOW_MS, PretendStore
from vestlus.errors import SettingsError
from vestlus.retention.accounts import AccountPeriods
from vestlus.retention.periods import DAY_MS, Periods
from vestlus.retention.pruner import WHOLE_AGAIN_MS, Pruner, Way
from vestlus.settings import Mode, load_settings
from vestlus.store.pruning import EVERYBODY, Cursor, Mark, Remains, Whose

DAYS = st.sampled_from([9, 14, 30, 90])
PERIODS = st.builds(
    Periods,
    messages=DAYS,
    media=DAYS,
    events=DAYS,
    sends=DAYS,
    dead_letters=DAYS,
    posts=st.sampled_from([35, 400]),
)
ACCOUNTS = ("1", "2", "3", "unknown")
ALL = st.builds(
    AccountPeriods, PERIODS, st.dictionaries(st.sampled_from(ACCOUNTS[:3]), PERIODS, max_size=3)
)


def _means(whose: Whose, account: str) -> bool:
    return (account in whose.accounts) is not whose.others


@given(periods=ALL)
def test_of_each_account_every_kind_goes_once_at_its_own_time(periods: AccountPeriods) -> None:
    errands = periods.errands(NOW_MS)
    for account in ACCOUNTS:
        mine = [one for one in errands if _means(one.whose, account)]
        assert max(Counter(one.what for one in mine).values()) == 1
        days = {one.what: (NOW_MS - one.before_ms) // DAY_MS for one in mine}
        of = periods.of(account)
        # Media that goes with its event needs no walk of its own.
        assert days.get(Remains.MEDIA, of.events) == min(of.media, of.events)
        for what in set(Remains) - {Remains.MEDIA}:
            assert days[what] == of.days[what]


@given(periods=ALL)
def test_only_walks_that_would_pass_what_others_keep_begin_behind_the_one_before(
    periods: AccountPeriods,
) -> None:
    for one in periods.errands(NOW_MS):
        longest = max(periods.of(account).days[one.what] for account in ACCOUNTS)
        if one.what is Remains.MEDIA:
            assert one.others_stay
        else:
            assert one.others_stay is (one.days < longest and one.what is not Remains.SUMMARIES)


@given(one=ALL, other=ALL)
def test_a_mark_is_never_that_of_other_accounts_or_days(
    one: AccountPeriods, other: AccountPeriods
) -> None:
    meant: dict[str, tuple[Remains, Whose, int]] = {}
    for errand in (*one.errands(NOW_MS), *other.errands(NOW_MS)):
        says = (errand.what, errand.whose, errand.days)
        assert meant.setdefault(errand.name, says) == says


def test_whole_weeks_go_by_whoever_keeps_messages_longest() -> None:
    periods = AccountPeriods(Periods(messages=30), {"1": Periods(messages=120)})
    assert periods.longest(Remains.MESSAGES) == 120
    assert AccountPeriods().longest(Remains.MESSAGES) == 90


#: In each place, steps as a store reports them: how far, and whether everything was old.
STEPS = st.lists(
    st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=8), min_size=1, max_size=3
)


@given(places=STEPS)
def test_a_way_never_leads_past_what_was_young(places: list[list[tuple[int, bool]]]) -> None:
    way = Way(Mark(NOW_MS))
    here: Cursor | None = way.begin()
    assert here is None
    for place, steps in enumerate(places):
        if place:
            here = way.go_on(here, (place, 0), behind=True)
        for at, behind in sorted(steps):
            here = way.go_on(here, (place, at), behind=behind)
    for place, steps in enumerate(places):
        (far,) = way.mark.reached.get(place, (0,))
        assert isinstance(far, int)
        assert all(far <= at for at, behind in steps if not behind)


def test_a_walk_goes_on_behind_the_one_before_in_every_place() -> None:
    way = Way(Mark(NOW_MS, {0: (7,), "history_w20261123": ("talk", 3)}))
    assert way.begin() == (0, 7)
    assert way.go_on((0, 7), (1, -5), behind=True) == (1, -5)
    assert way.go_on((1, -5), ("history_w20261123", "", 0), behind=True) == (
        "history_w20261123",
        "talk",
        3,
    )
    assert way.mark.begun_ms == NOW_MS


@pytest.mark.parametrize(
    ("age_ms", "how", "begun_ms"),
    [
        (0, "", NOW_MS),
        (WHOLE_AGAIN_MS - 1, "", NOW_MS - WHOLE_AGAIN_MS + 1),
        (WHOLE_AGAIN_MS, "", NOW_MS),
        (-1, "", NOW_MS),
        (1, "whole", NOW_MS),
    ],
)
async def test_once_a_week_and_where_it_is_asked_for_everything_is_looked_at_again(
    age_ms: int, how: str, begun_ms: int
) -> None:
    periods = AccountPeriods(Periods(), {"1": Periods(sends=9)})
    (errand,) = (
        one for one in periods.errands(NOW_MS) if one.others_stay and one.what is Remains.SENDS
    )
    store = PretendStore()
    await store.keep_mark(errand.name, Mark(NOW_MS - age_ms, {0: (5,)}))

    await Pruner(store, periods, whole=how == "whole", sleep=_nothing).walk()

    assert store.marks[errand.name].begun_ms == begun_ms


async def _nothing(_: float) -> None:
    return None


def test_an_account_says_what_is_different_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "vestlus.toml"
    file.write_text(
        "[retention]\nmessages_days = 60\n"
        '[[accounts]]\nid = "1"\n[accounts.retention]\nevents_days = 30\naudit_days = 90\n'
        '[[accounts]]\nid = "2"\n'
    )
    periods = load_settings({}, mode=Mode.OPERATE).periods
    assert periods.of("1") == Periods(messages=60, events=30, audit=90)
    assert periods.of("2") == periods.of("3") == Periods(messages=60)
    sends = next(one for one in periods.errands(NOW_MS) if one.what is Remains.SENDS)
    assert sends.whose == EVERYBODY

    file.write_text(
        '[[accounts]]\nid = "1"\n[accounts.retention]\nmedia_days = 8\nminutes_days = 9\n'
    )
    with pytest.raises(SettingsError) as caught:
        load_settings({}, mode=Mode.OPERATE)
    assert "retention.media_days: must be at least 9" in str(caught.value)
    assert "retention.minutes_days: is not a setting of" in str(caught.value)
