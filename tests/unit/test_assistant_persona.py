from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from vestlus.assistant.persona import DEFAULT_PERSONA, LOOK_EVERY_MS, MAX_BYTES, PersonaFiles
from vestlus.settings_account import Account


@dataclass
class Clock:
    now: int = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kohvik.md"


@pytest.fixture
def read(clock: Clock, path: Path) -> Callable[[], str]:
    personas = PersonaFiles(clock)
    account = Account(id="1", access_token=SecretStr("t"), persona=path)

    def at_the_next_look() -> str:
        clock.now += LOOK_EVERY_MS
        return personas.text(account)

    return at_the_next_look


def test_without_a_persona_file_the_default_one_answers_silently(clock: Clock) -> None:
    with capture_logs() as logs:
        text = PersonaFiles(clock).text(Account(id="1", access_token=SecretStr("t")))
    assert text == DEFAULT_PERSONA
    assert logs == []


def test_a_change_is_seen_at_the_next_look(path: Path, read: Callable[[], str]) -> None:
    path.write_text("Avatud 9-18")
    assert read() == "Avatud 9-18"
    path.write_text("Avatud 10-19")
    assert read() == "Avatud 10-19"


def test_a_change_of_the_same_size_is_seen(path: Path, read: Callable[[], str]) -> None:
    path.write_text("Avatud 9-18")
    read()
    path.write_text("Avatud 8-17")
    os.utime(path, ns=(1, 1))
    assert read() == "Avatud 8-17"


def test_a_file_saved_by_renaming_is_seen(path: Path, read: Callable[[], str]) -> None:
    path.write_text("vana")
    read()
    state = path.stat()
    new = path.with_suffix(".new")
    new.write_text("uued")
    os.utime(new, ns=(state.st_atime_ns, state.st_mtime_ns))
    new.replace(path)
    assert read() == "uued"


def test_within_a_second_the_file_is_not_looked_at(path: Path, clock: Clock) -> None:
    personas = PersonaFiles(clock)
    account = Account(id="1", access_token=SecretStr("t"), persona=path)
    path.write_text("esimene")
    assert personas.text(account) == "esimene"
    path.write_text("teine tekst")
    clock.now += LOOK_EVERY_MS - 1
    assert personas.text(account) == "esimene"
    clock.now += 1
    assert personas.text(account) == "teine tekst"


def test_a_clock_set_back_does_not_freeze_the_persona(path: Path, clock: Clock) -> None:
    personas = PersonaFiles(clock)
    account = Account(id="1", access_token=SecretStr("t"), persona=path)
    path.write_text("esimene")
    personas.text(account)
    path.write_text("teine tekst")
    clock.now -= 3_600_000
    assert personas.text(account) == "teine tekst"


def test_a_missing_file_gives_the_default_and_is_logged_once(
    path: Path, read: Callable[[], str]
) -> None:
    with capture_logs() as logs:
        assert [read(), read(), read()] == [DEFAULT_PERSONA] * 3
    assert [log["event"] for log in logs] == ["persona_unreadable"]
    assert logs[0]["default_in_use"] is True
    assert logs[0]["path"] == str(path)
    path.write_text("nüüd on")
    assert read() == "nüüd on"


def test_a_file_that_vanishes_or_is_emptied_leaves_its_last_text(
    path: Path, read: Callable[[], str]
) -> None:
    path.write_text("Avatud 9-18")
    read()
    with capture_logs() as logs:
        path.write_text(" \n")
        assert read() == "Avatud 9-18"
        path.unlink()
        assert [read(), read()] == ["Avatud 9-18"] * 2
        path.write_text("Avatud jälle")
        assert read() == "Avatud jälle"
    assert [log["event"] for log in logs] == [
        "persona_empty",
        "persona_unreadable",
        "persona_read",
    ]


def test_a_folder_in_its_place_is_trouble_and_not_a_crash(
    path: Path, read: Callable[[], str]
) -> None:
    path.mkdir()
    assert read() == DEFAULT_PERSONA


def test_bad_utf8_is_read_as_far_as_it_goes_and_logged(path: Path, read: Callable[[], str]) -> None:
    path.write_bytes("Lahtiolekuajad: õhtul".encode("latin-1"))
    with capture_logs() as logs:
        assert read() == "Lahtiolekuajad: \ufffdhtul"
        read()
    assert [log["event"] for log in logs] == ["persona_not_utf8"]


def test_a_byte_order_mark_is_not_part_of_the_persona(path: Path, read: Callable[[], str]) -> None:
    path.write_bytes(b"\xef\xbb\xbf# Kohvik")
    assert read() == "# Kohvik"


def test_a_huge_file_is_read_up_to_the_last_whole_line_within_the_limit(
    path: Path, read: Callable[[], str]
) -> None:
    line = "õ" * 49 + "\n"
    path.write_text(line * 1_000)
    with capture_logs() as logs:
        text = read()
    assert [log["event"] for log in logs] == ["persona_too_long"]
    assert MAX_BYTES - 100 < len(text.encode()) <= MAX_BYTES
    assert set(text.split("\n")) == {"õ" * 49}
