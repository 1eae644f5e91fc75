"""Which deliveries of a subscription may be acknowledged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.bus.port import Delivery
from vestlus.bus.tags import Tags


@given(steps=st.lists(st.tuples(st.booleans(), st.integers(min_value=0, max_value=5)), max_size=40))
def test_exactly_the_oldest_of_what_was_handed_out_can_be_acknowledged(
    steps: list[tuple[bool, int]],
) -> None:
    tags = Tags()
    deliveries = [Delivery(b"", number) for number in range(1, 300)]
    handed_out = acknowledged = 0
    for receives, count in steps:
        if receives:
            tags.hand_out(deliveries[handed_out : handed_out + count])
            handed_out += count
        elif acknowledged + count <= handed_out:
            tags.acknowledge(deliveries[acknowledged : acknowledged + count])
            acknowledged += count
        else:
            with pytest.raises(ValueError, match="oldest"):
                tags.acknowledge(deliveries[acknowledged : acknowledged + count])


@given(tags=st.lists(st.integers(min_value=0, max_value=6), min_size=1, max_size=6))
def test_any_other_group_is_refused(tags: list[int]) -> None:
    noted = Tags()
    noted.hand_out([Delivery(b"", number) for number in range(1, 6)])
    group = [Delivery(b"", tag) for tag in tags]
    if tags == list(range(1, len(tags) + 1)) and len(tags) <= 5:
        noted.acknowledge(group)
    else:
        with pytest.raises(ValueError, match="oldest"):
            noted.acknowledge(group)
