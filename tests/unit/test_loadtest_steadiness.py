"""A long run is told by how it ended against how it began."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vestlus.loadtest.files import Files
from vestlus.loadtest.recording import Window
from vestlus.loadtest.steadiness import quarters, rows, steadiness


def windows(*answers_ms: int) -> list[Window]:
    found = []
    for number, answer in enumerate(answers_ms, 1):
        window = Window(until=5 * number)
        window.answer.record_all([answer * 1000] * 100)
        window.ack.record_all([2_000] * 100)
        found.append(window)
    return found


def test_memory_latency_and_files_are_told_early_and_late() -> None:
    found = steadiness(
        40,
        {"publishers": [100] * 20 + [300] * 20 + [900] * 10},
        {"store.sqlite": [1_000 * each for each in range(40)] + [999_999]},
        windows(50, 50, 100, 100, 100, 100, 400, 400),
    )

    assert found["memory_bytes"]["publishers"] == {"early": 100, "late": 300}
    assert found["file_bytes"]["store.sqlite"]["early"] == 14_500
    assert found["file_bytes"]["store.sqlite"]["most"] == 999_999
    assert round(found["answer_p50_ms"]["early"]) == 100
    assert round(found["answer_p50_ms"]["late"]) == 400
    assert found["ack_p99_ms"]["early"] == found["ack_p99_ms"]["late"]
    assert {said for said, _, _ in rows(found)} >= {
        "message answered, p50, ms",
        "memory, publishers, MB",
        "file store.sqlite, MB",
    }


def test_a_short_run_says_nothing_of_it() -> None:
    assert steadiness(7, {"a": [1]}, {}, []) == {}


@given(st.lists(st.integers(), max_size=200))
def test_the_quarters_are_of_one_length_and_do_not_overlap(values: list[int]) -> None:
    early, late = quarters(values)
    assert len(early) == len(late) == len(values) // 4
    assert 2 * len(early) + len(late) <= len(values)


def test_files_that_come_later_were_empty_before_and_ones_that_go_are_empty_after(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    files = Files(folder)
    files.look()
    folder.mkdir()
    (folder / "store.sqlite").write_bytes(b"x" * 100_000)
    files.look()
    (folder / "store.sqlite").unlink()
    files.look()

    before, there, after = files.sizes["store.sqlite"]
    assert (before, after) == (0, 0)
    assert there >= 100_000
