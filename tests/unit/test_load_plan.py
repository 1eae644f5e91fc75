"""What the process of the load is told, and what it refuses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestlus.simulator.jsontypes import BadInputError, Json
from vestlus.simulator.load.control import events
from vestlus.simulator.load.plan import read_faults, read_plan

anything = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["at", "seconds", "on", "kind", "next", "probability", "x"]),
            inner | st.sampled_from(["graph", "model", "webhooks", "hang", "apply", 1, 0.5]),
            max_size=6,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(anything)
def test_any_list_of_faults_is_read_or_refused(value: Json) -> None:
    try:
        faults = read_faults(value)
    except BadInputError as error:
        assert str(error)  # noqa: PT017 - either way
    else:
        assert [each.at for each in faults] == sorted(each.at for each in faults)
        assert len(events(faults)) == len(faults) + sum(f.until is not None for f in faults)


def test_every_wrong_fault_is_named_at_once() -> None:
    with pytest.raises(BadInputError) as caught:
        read_faults(
            [
                {"on": "graph", "kind": "drop", "probability": 2},
                {"on": "graph", "kind": "drop", "next": 1},
                {"on": "graph", "kind": "drop", "next": 1, "tset": 4},
                {"on": "webhooks", "puased": True},
                "drop",
            ]
        )
    assert str(caught.value).splitlines() == [
        "fault 1: probability must be at most 1",
        "fault 3: unknown: tset",
        "fault 4: unknown: puased",
        "fault 5: a fault must be an object",
    ]


def test_seconds_are_how_long_a_fault_lasts_and_takes_how_long_a_call_does() -> None:
    (fault,) = read_faults(
        [{"at": 5, "seconds": 10, "on": "model", "kind": "hang", "takes": 3, "probability": 0.1}]
    )
    assert (fault.at, fault.until) == (5, 15)
    assert fault.body == {"kind": "hang", "probability": 0.1, "seconds": 3}


def test_a_plan_needs_an_account() -> None:
    with pytest.raises(BadInputError, match="account"):
        read_plan({"accounts": []})


def test_a_plan_s_secret_is_not_shown() -> None:
    assert "hush" not in repr(read_plan({"accounts": ["1"], "app_secret": "hush"}))
