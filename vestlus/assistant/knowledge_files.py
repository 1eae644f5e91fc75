"""Reads a knowledge folder: which files there are, and the text of each. Blocks: for a thread."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

_log = structlog.get_logger(__name__)

#: Bytes of one file. A scanned book is larger, and has no text anyway.
MAX_FILE_BYTES: Final = 20 * 1024 * 1024
#: Files of one folder, and how deep its folders may be nested.
MAX_FILES: Final = 1_000
_MAX_DEPTH: Final = 8
#: Characters of all files together: some 5,000 pieces to search in, 30 MB of their vectors.
MAX_CHARACTERS: Final = 4_000_000
#: Pages read of a PDF.
MAX_PAGES: Final = 1_000
#: For one PDF, looked at between its pages. A page of text takes some hundredths of a second; what
#: takes longer than this is drawings, or made to take long.
PDF_SECONDS: Final = 20.0

#: Control characters other than tab and newline; form feeds stand between the pages of texts.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")

#: What a file looks like from outside: device and inode, mtime in ns, size.
Stamp = tuple[int, int, int, int]

#: Of a file that there was no room for: with the next change in the folder there may be.
_NEVER: Final[Stamp] = (0, 0, 0, 0)
#: Of an inner folder that may not be listed.
_UNREADABLE: Final[Stamp] = (0, 0, 0, -1)


class _TooSlow(Exception):
    """A file takes longer to read than it is given."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the folder. ``name``: its path within the folder, with slashes."""

    name: str
    path: Path
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read; without text if it could not be, or had none."""

    name: str
    stamp: Stamp
    text: str


def look(folder: Path) -> tuple[Found, ...]:
    """The documents in a folder and the folders in it, by name. Opens none of them.

    Links are followed within the folder and refused when they lead out of it: a document is put
    there by somebody, and so is a link. What begins with a dot is passed over: editors' and
    version control's files, and the inner folders of a Kubernetes volume, whose outer links lead
    to the same files. Raises OSError when the folder itself cannot be read.
    """
    root = folder.resolve(strict=True)
    found: dict[str, Found] = {}
    seen: set[Path] = {root}
    todo = [(root, "", 0)]
    while todo:
        here, prefix, depth = todo.pop()
        try:
            entries = _entries(here)
        except OSError:
            if here == root:
                raise
            found[prefix] = Found(prefix, here, _UNREADABLE)
            continue
        for entry in entries:
            path, state = _real(root, here / entry.name)
            if state is None or path in seen:
                continue
            seen.add(path)
            name = prefix + entry.name
            if stat.S_ISREG(state.st_mode):
                found[name] = Found(name, path, _stamp(state))
            elif stat.S_ISDIR(state.st_mode) and depth < _MAX_DEPTH:
                todo.append((path, f"{name}/", depth + 1))
    return tuple(found[name] for name in sorted(found))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as listed:
        visible = [entry for entry in listed if not entry.name.startswith(".")]
    return sorted(visible, key=lambda entry: entry.name)


def _real(root: Path, path: Path) -> tuple[Path, os.stat_result | None]:
    """Where it really is, and its state if it may be read."""
    try:
        if path.is_symlink():
            path = path.resolve(strict=True)
            if not path.is_relative_to(root):
                return path, None
        return path, path.stat()
    except (OSError, RuntimeError):  # gone meanwhile; leads nowhere, or in a circle
        return path, None


def read(
    found: tuple[Found, ...],
    known: Mapping[str, Document],
    monotonic: Callable[[], float] = time.monotonic,
) -> tuple[Document, ...]:
    """The documents of these files; those in ``known`` that have not changed are not read again.

    What cannot be read is left without text and logged, once for each state of the file.
    ``monotonic``: seconds, for what takes too long.
    """
    documents: list[Document] = []
    left = MAX_CHARACTERS
    for place, one in enumerate(found):
        document = known.get(one.name)
        if document is None or document.stamp != one.stamp:
            document = _read_one(one, monotonic, allowed=place < MAX_FILES)
        if len(document.text) > left:
            _left_out(one, "too_much_in_all")
            document = Document(one.name, _NEVER, "")
        left -= len(document.text)
        documents.append(document)
    return tuple(documents)


def _read_one(one: Found, monotonic: Callable[[], float], *, allowed: bool) -> Document:
    text, stamp = "", one.stamp
    reader = _READERS.get(one.path.suffix.lower())
    if one.stamp == _UNREADABLE:
        _left_out(one, "unreadable")
    elif reader is None:
        _left_out(one, "not_markdown_text_or_pdf")
    elif not allowed:
        _left_out(one, "too_many_files")
        stamp = _NEVER
    elif one.stamp[-1] > MAX_FILE_BYTES:
        _left_out(one, "too_large")
    else:
        try:
            raw = reader(one, monotonic).replace("\r\n", "\n").replace("\r", "\n")
            text = _CONTROL.sub("", raw).strip()
        except _TooSlow:
            _left_out(one, "too_slow")
        except Exception as error:  # noqa: BLE001 - a PDF's faults raise whatever they run into
            _left_out(one, "unreadable", type(error).__name__)
        else:
            if not text:
                # A scanned PDF, mostly: pictures of pages.
                _left_out(one, "no_text")
    return Document(one.name, stamp, text)


def _plain(one: Found, monotonic: Callable[[], float]) -> str:
    del monotonic  # its size alone bounds the time
    raw = one.path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        _log.warning("knowledge_file_not_utf8", path=str(one.path))
        return raw.decode("utf-8-sig", errors="replace")


def _pdf(one: Found, monotonic: Callable[[], float]) -> str:
    # 15 MB that processes without PDFs do without.
    from pypdf import PdfReader  # noqa: PLC0415

    end = monotonic() + PDF_SECONDS
    reader = PdfReader(one.path, strict=False)
    # Encrypted with an empty password, as protections against editing are, it reads all the same.
    pages: list[str] = []
    size = 0
    for number, page in enumerate(reader.pages, start=1):
        if number > MAX_PAGES or size > MAX_CHARACTERS:
            _log.warning("knowledge_file_cut", path=str(one.path), pages=number - 1)
            break
        if monotonic() > end:
            raise _TooSlow
        text = page.extract_text().strip()
        size += len(text)
        pages.append(text)
    return "\n\n".join(text for text in pages if text)


_READERS: Final[Mapping[str, Callable[[Found, Callable[[], float]], str]]] = {
    ".md": _plain,
    ".markdown": _plain,
    ".txt": _plain,
    ".pdf": _pdf,
}


def _left_out(one: Found, reason: str, error: str = "") -> None:
    more = {"error": error} if error else {}
    _log.warning("knowledge_file_left_out", path=str(one.path), reason=reason, **more)


def _stamp(state: os.stat_result) -> Stamp:
    return state.st_dev, state.st_ino, state.st_mtime_ns, state.st_size
