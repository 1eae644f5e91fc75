"""Partitions are shared out evenly, and few of them move."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vestlus.hosting.assignment import assign_evenly, assign_orphans

NAMES = st.integers(0, 40).map(lambda count: [f"inbox.{index}" for index in range(count)])
MEMBERS = st.sets(st.sampled_from("abcdefgh"))


@given(
    NAMES,
    MEMBERS,
    st.dictionaries(st.sampled_from([f"inbox.{n}" for n in range(50)]), st.sampled_from("abcxyz")),
)
def test_every_name_has_one_member_and_loads_differ_by_one_at_most(
    names: list[str], members: set[str], present: dict[str, str]
) -> None:
    assignment = assign_evenly(names, members, present)
    if not members:
        assert assignment == {}
        return
    assert set(assignment) == set(names)
    loads = [list(assignment.values()).count(member) for member in members]
    assert max(loads) - min(loads) <= 1


@given(NAMES, MEMBERS)
def test_what_is_even_already_does_not_move(names: list[str], members: set[str]) -> None:
    once = assign_evenly(names, members, {})
    assert assign_evenly(names, members, once) == once


@given(NAMES, st.sets(st.sampled_from("abcdefgh"), min_size=2))
def test_when_a_member_dies_the_others_keep_what_they_had(
    names: list[str], members: set[str]
) -> None:
    before = assign_evenly(names, members, {})
    gone = min(members)
    after = assign_evenly(names, members - {gone}, before)
    assert all(after[name] == member for name, member in before.items() if member != gone)


def test_without_members_nothing_is_assigned() -> None:
    assert assign_evenly(["inbox.0"], [], {"inbox.0": "a"}) == {}


@given(
    NAMES,
    MEMBERS,
    st.dictionaries(st.sampled_from([f"inbox.{n}" for n in range(50)]), st.sampled_from("abcxyz")),
)
def test_orphans_go_to_who_has_least_and_nothing_else_moves(
    names: list[str], members: set[str], present: dict[str, str]
) -> None:
    assignment = assign_orphans(names, members, present)
    if not members:
        assert assignment == {}
        return
    kept = {name: present[name] for name in names if present.get(name) in members}
    assert set(assignment) == set(names)
    assert assignment.items() >= kept.items()
    takers = set(kept.values()) or members
    assert set(assignment.values()) <= takers
    given_to = [assignment[name] for name in names if name not in kept]
    loads = {one: list(assignment.values()).count(one) for one in takers}
    assert all(loads[one] <= min(loads.values()) + 1 for one in given_to)
