"""Lines of the log name an error's class and what it came from, and never its message."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.log_rules import breaches_in, breaches_of_the_log_rule
from vestlus.bus.embedded_file import unavailable
from vestlus.errors import (
    BusUnavailable,
    PartitionMismatch,
    SettingsError,
    StoreTooNew,
    UndecodableMessage,
)
from vestlus.log_errors import error_fields, reason_of

ROOT = Path(__file__).parents[2]
WORDS = "kas näed sinist vaasi"

BAD = (
    "try:\n    f()\nexcept E as error:\n    _log.info('x', error=str(error))",
    "try:\n    f()\nexcept E as e:\n    log.info('x', error=e)",
    "try:\n    f()\nexcept E as e:\n    log.info(f'x {e}')",
    "try:\n    f()\nexcept E as e:\n    log.info('x', error=repr(e))",
    "try:\n    f()\nexcept E as e:\n    log.info('x', error=e.args[0])",
    "try:\n    f()\nexcept E as e:\n    log.info('x', why=[e.detail])",
    "try:\n    f()\nexcept E as e:\n    log.info('x', error=str(e) if isinstance(e, F) else '')",
    "try:\n    f()\nexcept E as e:\n    a = str(e)\n    b = a[:9]\n    log.info('x', a=b)",
    "try:\n    f()\nexcept E as e:\n    g = f'{e}'\n    _log.bind(a=g)",
    "try:\n    f()\nexcept E:\n    log.exception('x')",
    "try:\n    f()\nexcept E:\n    log.info('x', exc_info=True)",
    "def g(error: ValueError) -> None:\n    log.info('x', error=str(error))",
)
GOOD = (
    "try:\n    f()\nexcept E as e:\n    log.info('x', error=type(e).__name__, place=place_of(e))",
    "try:\n    f()\nexcept E as e:\n    log.info('x', **error_fields(e))",
    "try:\n    f()\nexcept E as e:\n    log.info('x', reason=e.reason)",
    "try:\n    f()\nexcept E as e:\n    print(str(e))",
    "def g(error: ValueError) -> None:\n    raise E(str(error))",
    "def g(reason: str) -> None:\n    log.info('x', reason=str(reason))",
)


def failed(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """The error as whoever catches it has it."""
    try:
        raise error from cause  # noqa: TRY301 - only so has it a place
    except BaseException as caught:  # noqa: BLE001 - any
        return caught


@pytest.mark.parametrize("source", BAD)
def test_a_line_with_an_errors_message_is_found(source: str) -> None:
    assert len(breaches_in(source)) == 1


@pytest.mark.parametrize("source", GOOD)
def test_a_line_without_it_is_not(source: str) -> None:
    assert breaches_in(source) == []


def test_no_line_of_ours_has_an_errors_message() -> None:
    assert breaches_of_the_log_rule(ROOT) == []


def test_what_it_came_from_is_told_by_class_and_code() -> None:
    try:
        sqlite3.connect(":memory:").execute("SELECT * FROM kas_naed")
    except sqlite3.Error as error:
        line = error_fields(failed(unavailable(error), error))
    assert line == {"error": "BusUnavailable", "reason": "OperationalError SQLITE_ERROR"}

    line = error_fields(failed(BusUnavailable(WORDS), ConnectionRefusedError(111, WORDS)))
    assert line["reason"] == "ConnectionRefusedError ECONNREFUSED"


def test_what_came_from_nothing_has_its_place() -> None:
    line = error_fields(failed(BusUnavailable(WORDS)))
    assert set(line) == {"error", "place"}
    assert "test_log_errors.py" in line["place"]
    assert WORDS not in str(line)


def test_a_code_with_words_in_it_is_left_out() -> None:
    error = ValueError(WORDS)
    error.sqlstate = WORDS  # type: ignore[attr-defined]
    assert reason_of(error) == ""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UndecodableMessage("bad_json"), "bad_json"),
        (SettingsError(("VESTLUS_PUBLIC_URL is not set",)), "VESTLUS_PUBLIC_URL"),
        (PartitionMismatch(8, 16), "VESTLUS_PARTITIONS=8"),
        (StoreTooNew(("a0099",)), "a0099"),
    ],
)
def test_what_is_to_be_mended_is_said(error: Exception, said: str) -> None:
    assert said in error_fields(error)["reason"]


def test_causes_that_go_round_in_a_ring_are_looked_at_for_a_while() -> None:
    one, other = ValueError(WORDS), KeyError(WORDS)
    one.__cause__, other.__cause__ = other, one
    assert reason_of(one) in {"ValueError", "KeyError", ""}
