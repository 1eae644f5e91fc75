"""Quotas of hours and days: never more than allowed in any such time, and no longer a wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers.quota import Quota
from publishers.rules import DEFAULT_LIMITS

quotas = st.builds(Quota, calls=st.integers(1, 5), seconds=st.integers(1, 20).map(float))


@given(quotas, st.lists(st.integers(0, 5_000), max_size=60))
def test_no_window_holds_more_than_the_quota_and_nobody_waits_in_vain(
    quota: Quota, gaps: list[int]
) -> None:
    now, done = 0, list[int]()
    for gap in gaps:
        now += gap
        if wait := quota.wait_ms(done, now):
            assert quota.wait_ms(done, now + wait - 1) > 0
            now += wait
        assert quota.wait_ms(done, now) == 0
        done.append(now)
    width = round(quota.seconds * 1000)
    for first in done:
        assert sum(first <= at < first + width for at in done) <= quota.calls


@given(quotas, st.lists(st.integers(0, 30_000), max_size=20))
def test_neither_order_nor_what_is_long_over_matters(quota: Quota, done: list[int]) -> None:
    now = 30_000
    recent = [at for at in done if at > quota.since_ms(now)]
    assert quota.wait_ms(done, now) == quota.wait_ms(sorted(recent, reverse=True), now)


def test_more_than_the_quota_already_done_is_waited_out() -> None:
    assert Quota(2, 10.0).wait_ms([1_000, 2_000, 3_000, 4_000], 5_000) == 8_000


@pytest.mark.parametrize(("calls", "seconds"), [(0, 1.0), (1, 0.0), (1, -1.0), (1, float("nan"))])
def test_a_senseless_quota_is_refused(calls: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="a quota needs"):
        Quota(calls, seconds)


def test_the_defaults_are_metas() -> None:
    assert DEFAULT_LIMITS.posts == Quota(100, 86_400.0)
    assert DEFAULT_LIMITS.containers == Quota(400, 86_400.0)
    assert DEFAULT_LIMITS.private_replies == Quota(750, 3_600.0)
