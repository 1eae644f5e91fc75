"""One picture of the bank, and what may be done with it. Plain decisions and one codec."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from image_bank.errors import CatalogueRefused

#: What an entry's JSON is, so that a later form can be told from this one.
VERSION: Final = 1

#: A picture's id: short and plain, because a model repeats it letter by letter.
ID_PATTERN: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")


class Source(StrEnum):
    """Who keeps an entry."""

    #: The folder's ``catalogue.toml``: what is not in it any more leaves the bank.
    FOLDER = "folder"
    #: A person, with ``vestlus images add``.
    HAND = "hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture. ``file``, ``media_type``, ``size``, ``width`` and ``height`` are those of what
    is sent in direct messages: the normalised file, which is named by its content.
    """

    id: str
    #: SHA-256 in hex, with ``.png`` or ``.jpg``.
    file: str
    media_type: str
    #: Bytes.
    size: int
    #: Pixels.
    width: int
    height: int
    #: A sentence or two: by this the picture is chosen.
    shows: str
    #: What somebody who cannot see it is told.
    alt: str = ""
    tags: tuple[str, ...] = ()
    #: The language of words in the picture, BCP 47; empty where there are none.
    language: str = ""
    #: Whose it is, and under which terms it may be used.
    rights: str = ""
    #: Whether AI made it: posts with it are disclosed as made with AI.
    ai_generated: bool = False
    in_dms: bool = True
    in_posts: bool = True
    #: First and last day on which it may be used, by the account's calendar.
    valid_from: date | None = None
    valid_until: date | None = None
    #: The accounts that may use it; empty for all.
    accounts: tuple[str, ...] = ()
    #: The JPEG for posts, named like ``file``; ``None`` where it may not be posted.
    post_file: str | None = None
    source: Source = Source.HAND
    added_ms: int = 0
    #: What it was made from: a digest of the original and of how it was treated.
    origin: str = ""

    @property
    def files(self) -> frozenset[str]:
        """The names of all its files in the storage."""
        return frozenset({self.file} if self.post_file is None else {self.file, self.post_file})


_PICTURE: Final[TypeAdapter[Picture]] = TypeAdapter(Picture)


def may_send(picture: Picture, account: str, today: date) -> bool:
    """Whether this account may send it in a direct message on this day of its calendar."""
    return picture.in_dms and _may_use(picture, account, today)


def may_post(picture: Picture, account: str, today: date) -> bool:
    """Whether this account may post it on this day of its calendar."""
    return picture.in_posts and picture.post_file is not None and _may_use(picture, account, today)


def _may_use(picture: Picture, account: str, today: date) -> bool:
    return (
        (not picture.accounts or account in picture.accounts)
        and (picture.valid_from is None or picture.valid_from <= today)
        and (picture.valid_until is None or today <= picture.valid_until)
    )


def as_values(picture: Picture) -> dict[str, Any]:
    """Its fields as JSON has them; days are written 2026-12-31."""
    values: dict[str, Any] = _PICTURE.dump_python(picture, mode="json")
    return values


def encode(picture: Picture) -> str:
    """The entry as the store keeps it: JSON, the same text for the same picture."""
    entry = {"version": VERSION, **as_values(picture)}
    return json.dumps(entry, ensure_ascii=False, sort_keys=True)


def decode(entry: str) -> Picture:
    """The picture of an entry. Raises CatalogueRefused where this version cannot read it."""
    try:
        values = json.loads(entry)
        version = values.pop("version")
        if version != VERSION:
            raise CatalogueRefused((f"the entry is of version {version}, not {VERSION}",))
        return _PICTURE.validate_python(values)
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise CatalogueRefused(("the entry cannot be read",)) from error
