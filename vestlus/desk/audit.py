"""The audit as people read it: in pages, and whole for a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final

from vestlus.desk.moments import iso
from vestlus.store.operator_rows import AuditEntry, AuditWanted
from vestlus.store.port import Store

#: Entries that one look at the store gives to a file.
_PAGE: Final = 500

#: What is told of each; whose account it is about is for retention alone.
COLUMNS: Final = tuple(field.name for field in fields(AuditEntry) if field.name != "account")

#: What a spreadsheet takes for a formula (OWASP, "CSV Injection").
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def day_ms(text: str, zone: tzinfo, *, after: bool = False) -> int | None:
    """The beginning of a day ``2026-12-24`` by the clock of a zone, or with ``after`` its end; None
    for no day.
    """
    try:
        day = date.fromisoformat(text)
        if after:
            day += timedelta(days=1)
        return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def values(entry: AuditEntry) -> dict[str, Any]:
    """An entry for programs."""
    told = {name: getattr(entry, name) for name in COLUMNS if name != "at_ms"}
    return {"id": told.pop("id"), "at": iso(entry.at_ms), **told}


async def pages(store: Store, wanted: AuditWanted) -> AsyncIterator[Sequence[AuditEntry]]:
    """All entries that are wanted, newest first, some hundreds at a time."""
    before: int | None = None
    while True:
        found = await store.audit_entries(wanted=wanted, before_id=before, limit=_PAGE)
        if found:
            yield found
        if len(found) < _PAGE:
            return
        before = found[-1].id


async def as_csv(store: Store, wanted: AuditWanted) -> AsyncIterator[str]:
    """A file for spreadsheets (RFC 4180), with a line of names first."""
    named = False
    async for page in pages(store, wanted):
        told = [values(entry) for entry in page]
        yield _lines(told, header=not named)
        named = True
    if not named:
        yield _lines([], header=True)


async def as_json_lines(store: Store, wanted: AuditWanted) -> AsyncIterator[str]:
    """An object of JSON on each line."""
    async for page in pages(store, wanted):
        yield "".join(f"{json.dumps(values(entry), ensure_ascii=False)}\n" for entry in page)


def _lines(told: Sequence[dict[str, Any]], *, header: bool) -> str:
    written = io.StringIO()
    lines = csv.writer(written)
    if header:
        lines.writerow(("id", "at", *(name for name in COLUMNS if name not in ("id", "at_ms"))))
    lines.writerows([_cell(value) for value in one.values()] for one in told)
    return written.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
