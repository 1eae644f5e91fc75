"""When who writes: the schedule of a load is drawn beforehand, from its seed."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from statistics import mean

from hypothesis import given, settings
from hypothesis import strategies as st

from vestlus.simulator.load.plan import Plan
from vestlus.simulator.load.schedule import Writing, cumulated_weights, draw_posts

PLAN = Plan(
    run="9",
    webhook_url="",
    graph_url="",
    model_url="",
    app_secret="",
    accounts=("1",),
    users=100,
    rate=50.0,
    seconds=100.0,
)

plans = st.builds(
    replace,
    st.just(PLAN),
    users=st.integers(1, 300),
    rate=st.floats(0.1, 200),
    seconds=st.floats(1, 5),
    seed=st.integers(0, 5),
    spread=st.sampled_from(["zipf", "uniform"]),
    burst_size=st.integers(0, 30),
    burst_every=st.floats(0.1, 3),
    pictures=st.floats(0, 1),
    per_post=st.integers(1, 20),
)


def writings(plan: Plan) -> list[Writing]:
    return [each for post in draw_posts(plan) for each in post.writings]


@settings(max_examples=50)
@given(plans)
def test_everything_is_due_in_order_and_within_the_time(plan: Plan) -> None:
    posts = draw_posts(plan)

    dues = [each.due for each in writings(plan)]
    assert dues == sorted(dues)
    assert all(0 <= due < plan.seconds for due in dues)
    assert all(post.due == post.writings[-1].due for post in posts)
    assert all(len(post.writings) == plan.per_post for post in posts[:-1])


@settings(max_examples=30)
@given(plans)
def test_a_marker_is_one_message_s_and_counts_its_user_s_own(plan: Plan) -> None:
    found = writings(plan)

    assert len({each.marker for each in found}) == len(found)
    by_user: dict[int, list[int]] = {}
    for each in found:
        by_user.setdefault(each.user, []).append(each.number)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_user.values())
    assert all(user < plan.users for user in by_user)


def test_the_same_seed_draws_the_same_and_another_one_does_not() -> None:
    assert draw_posts(PLAN) == draw_posts(PLAN)
    assert draw_posts(PLAN) != draw_posts(replace(PLAN, seed=1))


def test_another_share_of_pictures_leaves_times_and_users_alone() -> None:
    plain, shown = writings(PLAN), writings(replace(PLAN, pictures=0.5))

    assert [(each.due, each.user) for each in plain] == [(each.due, each.user) for each in shown]
    assert not any(each.picture for each in plain)
    assert 0.45 < mean(each.picture for each in shown) < 0.55


def test_arrivals_are_a_poisson_process_of_the_rate() -> None:
    dues = [each.due for each in writings(PLAN)]
    gaps = [after - before for before, after in pairwise(dues)]
    middle = mean(gaps)

    assert 0.95 < len(dues) / (PLAN.rate * PLAN.seconds) < 1.05
    # Of an exponential distribution mean and deviation are the same: it has no beat.
    deviation = mean((gap - middle) ** 2 for gap in gaps) ** 0.5
    assert 0.9 < deviation * PLAN.rate < 1.1


def test_by_zipf_s_law_the_first_user_writes_ten_times_as_often_as_the_tenth() -> None:
    assert cumulated_weights(3, "zipf") == [1.0, 1.5, 1.5 + 1 / 3]
    counts = Counter(each.user for each in writings(replace(PLAN, rate=400.0)))
    assert 8 < counts[0] / counts[9] < 12.5


def test_evenly_spread_users_write_about_as_often() -> None:
    assert cumulated_weights(3, "uniform") == [1.0, 2.0, 3.0]
    counts = Counter(each.user for each in writings(replace(PLAN, rate=400.0, spread="uniform")))
    assert len(counts) == PLAN.users
    assert max(counts.values()) < 2 * min(counts.values())


def test_bursts_come_besides_and_at_one_moment() -> None:
    plain = Counter(each.due for each in writings(PLAN))
    burst = Counter(each.due for each in writings(replace(PLAN, burst_size=30, burst_every=40.0)))

    assert burst - plain == Counter({40.0: 30, 80.0: 30})
