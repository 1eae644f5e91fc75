from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from vestlus.assistant import knowledge_files
from vestlus.assistant.knowledge import (
    LOOK_EVERY_MS,
    MOST_CHUNKS,
    KnowledgeFolders,
    Passage,
    Passages,
)
from vestlus.assistant.search import LexicalSearch
from vestlus.errors import AssistantUnavailable
from vestlus.settings_account import Account

#: More than a prompt takes whole.
LONG = "\n\n".join(f"# Teema {n}\n\nSisu number{n} " + "täide " * 60 for n in range(120))


@dataclass
class Clock:
    now: int = 1_000_000

    def __call__(self) -> int:
        return self.now


@dataclass
class Recording(LexicalSearch):
    asked: list[tuple[str, Mapping[str, str], int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def best(self, query: str, texts: Mapping[str, str], most: int) -> tuple[str, ...]:
        self.asked.append((query, texts, most))
        return await super().best(query, texts, most)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def search() -> Recording:
    return Recording()


@pytest.fixture
def folders(search: Recording, clock: Clock) -> KnowledgeFolders:
    return KnowledgeFolders(lambda _: search, clock)


def account(folder: Path | None, **more: Any) -> Account:  # noqa: ANN401 - any field
    return Account(id="1", access_token=SecretStr("t"), knowledge=folder, **more)


async def test_without_a_folder_there_is_nothing(folders: KnowledgeFolders) -> None:
    assert await folders.passages(account(None), "x") == Passages((), whole=True)


async def test_a_small_folder_is_given_whole_and_the_same_every_time(
    tmp_path: Path, folders: KnowledgeFolders, search: Recording
) -> None:
    (tmp_path / "b.md").write_text("Teine")
    (tmp_path / "a.md").write_text("Esimene")
    first = await folders.passages(account(tmp_path), "üks küsimus")
    assert first == Passages((Passage("a.md", "Esimene"), Passage("b.md", "Teine")), whole=True)
    assert await folders.passages(account(tmp_path), "teine küsimus") is first
    assert search.asked == []


async def test_a_large_folder_is_searched(
    tmp_path: Path, folders: KnowledgeFolders, search: Recording
) -> None:
    (tmp_path / "pikk.md").write_text(LONG)
    found = await folders.passages(account(tmp_path), "räägi number77 kohta")
    assert not found.whole
    assert found.items[0].source == "pikk.md"
    assert found.items[0].text.startswith("Teema 77\nSisu number77")
    assert len(found.items) <= MOST_CHUNKS
    ((query, texts, most),) = search.asked
    assert (query, most) == ("räägi number77 kohta", MOST_CHUNKS)
    assert all(text.startswith("pikk.md: Teema ") for text in texts.values())


async def test_nothing_found_gives_nothing(tmp_path: Path, folders: KnowledgeFolders) -> None:
    (tmp_path / "pikk.md").write_text(LONG)
    assert (await folders.passages(account(tmp_path), "ujula")).items == ()


async def test_a_change_is_seen_a_second_later(
    tmp_path: Path, folders: KnowledgeFolders, clock: Clock
) -> None:
    async def texts() -> list[str]:
        return [one.text for one in (await folders.passages(account(tmp_path), "x")).items]

    file = tmp_path / "a.md"
    file.write_text("Avatud 9–18")
    assert await texts() == ["Avatud 9–18"]
    file.write_text("Avatud 9–19")
    clock.now += LOOK_EVERY_MS - 1
    assert await texts() == ["Avatud 9–18"]
    clock.now += 1
    assert await texts() == ["Avatud 9–19"]
    (tmp_path / "b.md").write_text("Uus")
    file.unlink()
    clock.now += LOOK_EVERY_MS
    assert await texts() == ["Uus"]


async def test_a_folder_can_grow_too_large_for_a_prompt_and_shrink_again(
    tmp_path: Path, folders: KnowledgeFolders, clock: Clock
) -> None:
    kinds = []
    for text in ("Lühike number5", LONG, "Lühike"):
        (tmp_path / "a.md").write_text(text)
        clock.now += LOOK_EVERY_MS
        kinds.append((await folders.passages(account(tmp_path), "number5")).whole)
    assert kinds == [True, False, True]


async def test_a_folder_that_disappears_leaves_what_was_there_and_is_logged_once(
    tmp_path: Path, folders: KnowledgeFolders, clock: Clock
) -> None:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    (folder / "a.md").write_text("Tähtis")
    first = await folders.passages(account(folder), "x")
    folder.rename(tmp_path / "elsewhere")
    with capture_logs() as logs:
        for _ in range(3):
            clock.now += LOOK_EVERY_MS
            assert await folders.passages(account(folder), "x") == first
    assert [line["event"] for line in logs] == ["knowledge_unreadable"]
    (tmp_path / "elsewhere").rename(folder)
    (folder / "a.md").write_text("Tähtsam")
    clock.now += LOOK_EVERY_MS
    assert (await folders.passages(account(folder), "x")).items[0].text == "Tähtsam"


async def test_a_folder_that_was_never_there_gives_nothing(
    tmp_path: Path, folders: KnowledgeFolders
) -> None:
    found = await folders.passages(account(tmp_path / "missing"), "x")
    assert found == Passages((), whole=True)


async def test_the_logs_have_no_texts(tmp_path: Path, folders: KnowledgeFolders) -> None:
    (tmp_path / "a.md").write_text("salajane sisu")
    with capture_logs() as logs:
        await folders.passages(account(tmp_path), "isiklik küsimus")
    assert logs[0]["event"] == "knowledge_read"
    assert "salajane" not in str(logs)
    assert "isiklik" not in str(logs)


async def test_a_folder_is_read_once_for_all_who_ask(
    tmp_path: Path, folders: KnowledgeFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Path] = []
    look = knowledge_files.look

    def counting(folder: Path) -> tuple[knowledge_files.Found, ...]:
        looks.append(folder)
        return look(folder)

    monkeypatch.setattr(knowledge_files, "look", counting)
    (tmp_path / "a.md").write_text("a")
    found = await asyncio.gather(*(folders.passages(account(tmp_path), "x") for _ in range(5)))
    assert len(looks) == 1
    assert {one.items for one in found} == {(Passage("a.md", "a"),)}


async def test_while_a_change_is_read_others_go_on_with_what_was_there(
    tmp_path: Path, folders: KnowledgeFolders, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.md").write_text("vana")
    await folders.passages(account(tmp_path), "x")
    (tmp_path / "a.md").write_text("uus tekst")
    reading, go_on = threading.Event(), threading.Event()
    read = knowledge_files.read

    def slowly(*given: Any) -> tuple[knowledge_files.Document, ...]:  # noqa: ANN401
        reading.set()
        assert go_on.wait(10)
        return read(*given)

    monkeypatch.setattr(knowledge_files, "read", slowly)
    clock.now += LOOK_EVERY_MS
    first = asyncio.create_task(folders.passages(account(tmp_path), "x"))
    await asyncio.to_thread(reading.wait, 10)
    clock.now += LOOK_EVERY_MS
    assert (await folders.passages(account(tmp_path), "x")).items[0].text == "vana"
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    go_on.set()
    async with asyncio.timeout(10):
        while (await folders.passages(account(tmp_path), "x")).items[0].text == "vana":
            await asyncio.sleep(0.01)
    await folders.aclose()


async def test_nobody_waits_without_limit_for_a_folder_and_the_reading_goes_on(
    tmp_path: Path, search: Recording, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = KnowledgeFolders(lambda _: search, clock, read_seconds=0.05)
    (tmp_path / "a.md").write_text("vana")
    go_on = threading.Event()
    read = knowledge_files.read
    reads = 0

    def slowly(*given: Any) -> tuple[knowledge_files.Document, ...]:  # noqa: ANN401
        nonlocal reads
        reads += 1
        assert go_on.wait(10)
        return read(*given)

    async def text() -> str:
        return (await folders.passages(account(tmp_path), "x")).items[0].text

    async def becomes(wanted: str) -> None:
        async with asyncio.timeout(10):
            while True:
                with suppress(AssistantUnavailable):
                    if await text() == wanted:
                        return
                await asyncio.sleep(0.01)

    monkeypatch.setattr(knowledge_files, "read", slowly)
    for _ in range(2):
        with pytest.raises(AssistantUnavailable, match=r"^timeout$"):
            await text()
    assert reads == 1
    go_on.set()
    await becomes("vana")
    go_on.clear()
    (tmp_path / "a.md").write_text("uus tekst")
    clock.now += LOOK_EVERY_MS
    # What was there before is better than no answer.
    assert await text() == "vana"
    go_on.set()
    await becomes("uus tekst")
    await folders.aclose()
