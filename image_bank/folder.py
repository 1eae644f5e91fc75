"""Brings the bank in line with a folder of pictures and its ``catalogue.toml``."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from image_bank.catalogue import Picture, Source, encode
from image_bank.checking import MAX_INPUT_BYTES
from image_bank.description import Description, describe
from image_bank.errors import CatalogueRefused
from image_bank.keeping import Catalogue, check_id, make_picture, read_catalogue, sweep
from image_bank.storage import MediaStorage
from vestlus.clock import Clock
from vestlus.store.port import Bank

CATALOGUE: Final = "catalogue.toml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading a folder changed: ids, sorted."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    key: str
    file: Path
    description: Description


async def load_folder(folder: Path, *, bank: Bank, storage: MediaStorage, clock: Clock) -> Loaded:
    """Adds and changes what the folder says, and removes what it once said and says no more.

    Pictures that were added by hand are left alone. Loading again changes nothing. Raises
    CatalogueRefused with every problem of every entry, and then the catalogue is as it was;
    StorageUnavailable, StoreUnavailable.
    """
    problems: list[str] = []
    entries = await asyncio.to_thread(_read, folder, problems)
    catalogue = await read_catalogue(bank)
    problems += _clashes(entries, catalogue)
    now_ms = clock()
    pictures: dict[str, Picture] = {}
    for entry in entries:
        try:
            pictures[entry.key] = await make_picture(
                entry.key,
                entry.description,
                await asyncio.to_thread(_bytes, entry),
                storage=storage,
                known=catalogue.pictures.get(entry.key),
                source=Source.FOLDER,
                now_ms=now_ms,
            )
        except CatalogueRefused as refused:
            problems += refused.problems
    if problems:
        await sweep(_files(pictures.values()), bank=bank, storage=storage)
        raise CatalogueRefused(tuple(problems))
    loaded = await _bring_in_line(pictures, catalogue, bank, now_ms)
    before = (one for one in catalogue.pictures.values() if one.source is Source.FOLDER)
    await sweep(_files(before), bank=bank, storage=storage)
    return loaded


async def _bring_in_line(
    pictures: Mapping[str, Picture], catalogue: Catalogue, bank: Bank, now_ms: int
) -> Loaded:
    known = catalogue.pictures
    added = pictures.keys() - known.keys()
    changed = {key for key in pictures.keys() & known.keys() if pictures[key] != known[key]}
    gone = {key for key, one in known.items() if one.source is Source.FOLDER} - pictures.keys()
    if added or changed:
        entries = {key: encode(pictures[key]) for key in sorted(added | changed)}
        await bank.put_pictures(entries, now_ms)
    removed = await bank.remove_pictures(gone, now_ms) if gone else frozenset()
    unchanged = pictures.keys() - added - changed
    return Loaded(*(tuple(sorted(ids)) for ids in (added, changed, removed, unchanged)))


def _files(pictures: Iterable[Picture]) -> frozenset[str]:
    return frozenset().union(*(one.files for one in pictures))


def _clashes(entries: list[_Entry], catalogue: Catalogue) -> list[str]:
    by_hand = {key for key, one in catalogue.pictures.items() if one.source is Source.HAND}
    keys = [entry.key for entry in entries]
    return [
        *(
            f"{key}: was added by hand too: remove it there or here"
            for key in keys
            if key in by_hand
        ),
        *(
            f"{key}: is in the bank in a form that cannot be read"
            for key in keys
            if key in catalogue.unreadable
        ),
    ]


def _read(folder: Path, problems: list[str]) -> list[_Entry]:
    place = folder / CATALOGUE
    try:
        table = tomllib.loads(place.read_text("utf-8"))
    except FileNotFoundError:
        raise CatalogueRefused((f"{place}: there is no such file",)) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueRefused((f"{place}: cannot be read as TOML: {error}",)) from error
    listed = table.pop("pictures", [])
    problems += [f"{place}: {key} is not a key of a catalogue" for key in table]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise CatalogueRefused((f"{place}: pictures must be tables, each written [[pictures]]",))
    entries: list[_Entry] = []
    for number, values in enumerate(listed, 1):
        entry = _entry(folder, number, values, problems)
        if entry is None:
            continue
        if any(entry.key == other.key for other in entries):
            problems.append(f"{entry.key}: is in the catalogue more than once")
        else:
            entries.append(entry)
    return entries


def _entry(folder: Path, number: int, values: dict[str, Any], problems: list[str]) -> _Entry | None:
    """Notes every problem of one entry; ``None`` where there is one."""
    before = len(problems)
    key, file = values.pop("id", None), values.pop("file", None)
    where = key if isinstance(key, str) and key else f"picture {number}"
    description = None
    try:
        check_id(where, key)
    except CatalogueRefused as refused:
        problems += refused.problems
    try:
        description = describe(where, values)
    except CatalogueRefused as refused:
        problems += refused.problems
    path, problem = _file(folder, file)
    if problem:
        problems.append(f"{where}: file: {problem}")
    if description is None or path is None or len(problems) > before:
        return None
    return _Entry(where, path, description)


def _file(folder: Path, name: object) -> tuple[Path | None, str]:
    if not isinstance(name, str) or not name:
        return None, "is missing" if name is None else "must be a file's name in quotes"
    if "\x00" in name:
        return None, "is no file's name"
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        return None, f"{name} is not in the folder"
    if not path.is_file():
        return None, f"there is no file {name}"
    return path, ""


def read_bytes(file: Path) -> bytes:
    """The file, of which one byte more than is taken at most is read. Raises OSError."""
    with file.open("rb") as opened:
        return opened.read(MAX_INPUT_BYTES + 1)


def _bytes(entry: _Entry) -> bytes:
    try:
        return read_bytes(entry.file)
    except OSError as error:
        problem = f"{entry.key}: file: cannot be read: {error.strerror}"
        raise CatalogueRefused((problem,)) from error
