"""Looks over the whole bank: what is broken, and what somebody should see to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from image_bank.catalogue import Picture
from image_bank.keeping import read_catalogue
from image_bank.storage import MediaStorage, is_intact
from vestlus.store.port import Bank

#: How long beforehand an end is told: time enough to ask for rights again.
NOTICE_DAYS: Final = 30


class Severity(StrEnum):
    """How bad it is."""

    #: The picture cannot be sent.
    ERROR = "error"
    #: It can, or could; somebody should see to it.
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one picture."""

    picture: str
    severity: Severity
    problem: str


async def examine(
    bank: Bank, storage: MediaStorage, today: date, accounts: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Every finding, by picture. Reads all files.

    ``accounts``: those that are served, where that is known. Raises StorageUnavailable,
    StoreUnavailable.
    """
    catalogue = await read_catalogue(bank)
    findings = [
        Finding(key, Severity.ERROR, "the entry cannot be read by this version")
        for key in catalogue.unreadable
    ]
    for picture in catalogue.pictures.values():
        for name in sorted(picture.files):
            data = await storage.get(name)
            if data is None:
                findings.append(Finding(picture.id, Severity.ERROR, f"the file {name} is missing"))
            elif not is_intact(name, data):
                findings.append(Finding(picture.id, Severity.ERROR, f"the file {name} is damaged"))
        findings += [
            Finding(picture.id, Severity.WARNING, problem)
            for problem in _warnings(picture, today, accounts)
        ]
    return tuple(sorted(findings, key=lambda one: (one.picture, one.severity, one.problem)))


def _warnings(picture: Picture, today: date, accounts: Collection[str]) -> list[str]:
    warnings: list[str] = []
    if picture.valid_until is not None:
        if picture.valid_until < today:
            warnings.append(f"ended on {picture.valid_until}")
        elif picture.valid_until <= today + timedelta(days=NOTICE_DAYS):
            warnings.append(f"ends on {picture.valid_until}: renew the rights or replace it")
    if picture.valid_from is not None and picture.valid_from > today:
        warnings.append(f"begins on {picture.valid_from}")
    if not picture.alt:
        warnings.append("has no alternative text")
    if not picture.rights:
        warnings.append("does not say whose it is: rights")
    if accounts:
        warnings += [
            f"is for account {one}, which is not served"
            for one in picture.accounts
            if one not in accounts
        ]
    return warnings
