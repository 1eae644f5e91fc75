"""Work done together: shared under load, at once after a pause, nobody's failure another's."""

import asyncio

import pytest

from tests.fakes.clock import run_virtual, virtual_monotonic
from vestlus.log_context import About, add_subject
from vestlus.spacing import Spaced


class Works:
    """Doubles numbers, and remembers which it got together and when."""

    def __init__(self, takes: float = 0.01) -> None:
        self.groups: list[tuple[float, list[int]]] = []
        self._takes = takes

    async def __call__(self, items: list[int]) -> list[int | Exception]:
        self.groups.append((virtual_monotonic(), items))
        await asyncio.sleep(self._takes)
        if 13 in items:
            raise OSError
        return [ValueError() if item < 0 else 2 * item for item in items]


def spaced(
    works: Works, *, most: int = 500, linger: float = 0.0, stretch: float = 1.0
) -> Spaced[int, int]:
    return Spaced(
        works,
        name="doubling",
        seconds=lambda: 0.1,
        monotonic=virtual_monotonic,
        linger=linger,
        stretch=stretch,
        most=most,
    )


def test_after_a_pause_nobody_waits_and_under_load_all_share() -> None:
    async def scenario() -> None:
        works = Works()
        doubles = spaced(works)
        began = virtual_monotonic()
        first = asyncio.create_task(doubles.submit(1))
        await asyncio.sleep(0.02)
        rest = [asyncio.create_task(doubles.submit(number)) for number in (2, 3, 4)]
        assert await first == 2
        assert await asyncio.gather(*rest) == [4, 6, 8]
        assert [items for _, items in works.groups] == [[1], [2, 3, 4]]
        times = [at - began for at, _ in works.groups]
        assert times == [pytest.approx(0), pytest.approx(0.1)]
        await asyncio.sleep(1)
        began = virtual_monotonic()
        assert await doubles.submit(5) == 10
        assert works.groups[-1][0] == pytest.approx(began)

    run_virtual(scenario())


def test_a_group_holds_no_more_than_it_may_and_keeps_the_order() -> None:
    async def scenario() -> None:
        works = Works()
        doubles = spaced(works, most=2)
        results = await asyncio.gather(*(doubles.submit(number) for number in range(1, 6)))
        assert results == [2, 4, 6, 8, 10]
        assert [items for _, items in works.groups] == [[1, 2], [3, 4], [5]]

    run_virtual(scenario())


def test_who_gives_up_before_the_group_begins_takes_the_item_back() -> None:
    async def scenario() -> None:
        works = Works()
        doubles = spaced(works)
        await doubles.submit(1)
        leaving = asyncio.create_task(doubles.submit(2))
        staying = asyncio.create_task(doubles.submit(3))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == 6
        await doubles.settled()
        assert [items for _, items in works.groups] == [[1], [3]]

    run_virtual(scenario())


def test_a_failure_goes_to_those_it_concerns_and_the_next_group_begins_all_the_same() -> None:
    async def scenario() -> None:
        doubles = spaced(Works())
        fine, wrong = await asyncio.gather(
            doubles.submit(1), doubles.submit(-1), return_exceptions=True
        )
        assert fine == 2
        assert isinstance(wrong, ValueError)
        failed = await asyncio.gather(doubles.submit(13), doubles.submit(1), return_exceptions=True)
        assert [type(one) for one in failed] == [OSError, OSError]
        assert await doubles.submit(4) == 8

    run_virtual(scenario())


def test_groups_that_take_long_are_further_apart_up_to_a_bound() -> None:
    async def scenario() -> None:
        works = Works(takes=0.05)
        doubles = spaced(works, stretch=4.0)
        await doubles.submit(1)
        await doubles.submit(2)
        slow = Works(takes=0.5)
        slower = spaced(slow, stretch=4.0)
        await slower.submit(1)
        await slower.submit(2)
        assert works.groups[1][0] - works.groups[0][0] == pytest.approx(0.2)
        assert slow.groups[1][0] - slow.groups[0][0] == pytest.approx(0.6)

    run_virtual(scenario())


def test_what_comes_together_after_a_pause_goes_together() -> None:
    async def scenario() -> None:
        works = Works()
        doubles = spaced(works, linger=0.02)
        began = virtual_monotonic()
        first = asyncio.create_task(doubles.submit(1))
        await asyncio.sleep(0.01)
        assert await doubles.submit(2) == 4
        assert await first == 2
        ((at, items),) = works.groups
        assert at == pytest.approx(began + 0.02)
        assert items == [1, 2]

    run_virtual(scenario())


@pytest.mark.parametrize("defect", ["too few results", "ended from outside"])
def test_who_waits_hears_of_it_when_the_work_is_defective(defect: str) -> None:
    """A wrong number of results, or an end from outside: an error, and no wait without end."""

    async def works(items: list[int]) -> list[int | Exception]:
        await asyncio.sleep(0.01)
        if defect == "too few results":
            return [0] * (len(items) - 1)
        raise asyncio.CancelledError

    async def scenario() -> None:
        broken = Spaced[int, int](
            works, name="broken", seconds=lambda: 0.1, monotonic=virtual_monotonic, most=2
        )
        tasks = [asyncio.create_task(broken.submit(number)) for number in range(3)]
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, RuntimeError) for one in found[:2])
        assert not any(isinstance(one, asyncio.CancelledError) for one in found)

    run_virtual(scenario())


def test_what_is_done_together_is_not_about_the_messages_of_whoever_came_first() -> None:
    async def scenario() -> None:
        subjects: list[dict[str, str]] = []

        async def work(items: list[int]) -> list[int]:
            subjects.append(dict(add_subject(None, "", {})))
            return items

        group: Spaced[int, int] = Spaced(
            work, name="noting", seconds=lambda: 0.1, monotonic=virtual_monotonic
        )
        with About(account="a", mids=("m",)):
            assert await group.submit(1) == 1
            assert add_subject(None, "", {})
        assert subjects == [{}]

    run_virtual(scenario())
