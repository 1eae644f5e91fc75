"""What is measured of an account's usage of Meta's limits."""

from __future__ import annotations

from tests.fakes.measures import measured
from vestlus.instagram.usage import Load, Usage
from vestlus.instagram.usage_told import REMEMBERED_SECONDS, UsageTold

MESSENGER = Load(kind="messenger", id="1", calls=99)
APP = Load(calls=3)


def test_an_answer_that_tells_of_one_limit_says_nothing_of_a_fuller_one() -> None:
    now, heard = [0.0], list[Usage]()
    told = UsageTold(lambda _, usage: heard.append(usage), monotonic=lambda: now[0])

    def tell(*loads: Load) -> float:
        told.note("usage-told", Usage(loads))
        return measured("vestlus_graph_usage_ratio", account="usage-told")

    assert tell(MESSENGER) == 0.99
    assert tell(APP) == 0.99
    assert tell() == 0.99
    assert heard == [Usage((MESSENGER,)), Usage((APP,))]
    assert tell(Load(kind="messenger", id="1", calls=50)) == 0.5
    now[0] = REMEMBERED_SECONDS
    assert tell(APP) == 0.03
