"""Persona files: who answers for an account, in which voice, and what it knows."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import structlog

from vestlus.settings_account import Account

_log = structlog.get_logger(__name__)

#: Bytes read of a persona file. About 16,000 tokens: more costs too much with every answer.
MAX_BYTES: Final = 64 * 1024

#: Milliseconds between looks at a file's state: an editor's save is seen within a second, and a
#: busy account costs one `stat` a second, not one per message.
LOOK_EVERY_MS: Final = 1_000

DEFAULT_PERSONA: Final = (
    files("vestlus.assistant").joinpath("default_persona.md").read_text("utf-8").strip()
)

#: What a file looks like from outside: inode (editors save by renaming), mtime in ns, size.
_Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _Known:
    text: str
    looked_at_ms: int
    stamp: _Stamp | None = None
    #: The last trouble that was logged, so that it is logged once and not every second.
    trouble: str = ""


class PersonaFiles:
    """The persona of each account, read again when its file changes.

    Owns the texts it has read, for as long as the process lives. A file that is missing from the
    start gives the neutral default persona; one that can no longer be read, or is empty, as
    happens while an editor saves it, leaves the last text in force. Both are logged once.
    ``clock``: milliseconds since 1970.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._known: dict[Path, _Known] = {}

    def text(self, account: Account) -> str:
        """The persona's Markdown, never empty.

        Reads at most 64 KiB and only when the file changed, so it does not leave the event loop.
        """
        if account.persona is None:
            return DEFAULT_PERSONA
        now = self._clock()
        known = self._known.get(account.persona)
        if known is None:
            known = self._known[account.persona] = _Known(DEFAULT_PERSONA, now)
        elif 0 <= now - known.looked_at_ms < LOOK_EVERY_MS:
            return known.text
        known.looked_at_ms = now
        _look(account, account.persona, known)
        return known.text


def _look(account: Account, path: Path, known: _Known) -> None:
    try:
        if known.stamp == _stamp(path.stat()):
            return
        with path.open("rb") as file:
            # Taken before reading: a change during the read is then seen at the next look.
            stamp = _stamp(os.fstat(file.fileno()))
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        known.stamp = None
        _trouble(known, "persona_unreadable", account, path, type(error).__name__)
        return
    known.stamp = stamp
    text, trouble = _decoded(raw)
    if not text:
        _trouble(known, "persona_empty", account, path)
        return
    known.text = text
    if trouble:
        _trouble(known, trouble, account, path)
        return
    known.trouble = ""
    _log.info("persona_read", account=account.id, path=str(path), characters=len(text))


def _stamp(state: os.stat_result) -> _Stamp:
    return state.st_ino, state.st_mtime_ns, state.st_size


def _decoded(raw: bytes) -> tuple[str, str]:
    """The text, and what was wrong with it if anything."""
    trouble = ""
    if len(raw) > MAX_BYTES:
        trouble = "persona_too_long"
        # To the last whole line: half a fact is worse than none.
        raw = raw[:MAX_BYTES].rpartition(b"\n")[0]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        trouble = "persona_not_utf8"
        text = raw.decode("utf-8-sig", errors="replace")
    return text.replace("\x00", "").strip(), trouble


def _trouble(known: _Known, event: str, account: Account, path: Path, error: str = "") -> None:
    if known.trouble == event:
        return
    known.trouble = event
    _log.warning(
        event,
        account=account.id,
        path=str(path),
        max_bytes=MAX_BYTES,
        default_in_use=known.text is DEFAULT_PERSONA,
        **({"error": error} if error else {}),
    )
