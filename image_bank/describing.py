"""Changes what is said of a picture that is in the bank, without its file being sent again."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from image_bank.catalogue import Picture, Source, encode
from image_bank.checking import post_of
from image_bank.description import Description
from image_bank.errors import CatalogueRefused, PictureRefused
from image_bank.keeping import read_catalogue
from image_bank.storage import MediaStorage
from vestlus.clock import Clock
from vestlus.store.port import Bank

_DAY: Final = timedelta(days=1)


def edition_of(picture: Picture) -> str:
    """Differs for every change of an entry: whoever edits one sees that somebody else did."""
    return hashlib.sha256(encode(picture).encode()).hexdigest()[:16]


async def describe_anew(
    key: str,
    description: Description,
    *,
    bank: Bank,
    storage: MediaStorage,
    clock: Clock,
    edition: str | None = None,
) -> Picture:
    """Replaces what is said of a picture that was added by hand.

    One that was not for posts and is now gets a file for them. ``edition``: what the caller saw;
    another one by now is refused. Raises CatalogueRefused, StorageUnavailable, StoreUnavailable;
    then nothing was changed.
    """
    known = await _by_hand(bank, key)
    if edition is not None and edition_of(known) != edition:
        raise CatalogueRefused((f"{key}: somebody else has changed it meanwhile",), "changed")
    post_file = known.post_file
    if description.in_posts and post_file is None:
        post_file = await _post_file(known, description, storage)
    picture = replace(
        known,
        post_file=post_file,
        **{name: getattr(description, name) for name in Description.model_fields if name != "post"},
    )
    await bank.put_pictures({key: encode(picture)}, clock())
    return picture


async def retire(key: str, today: date, *, bank: Bank, clock: Clock) -> Picture:
    """Ends a picture's use with the day before; it stays in the bank, and what it was used in.

    Raises CatalogueRefused, StoreUnavailable.
    """
    known = await _by_hand(bank, key)
    last = today - _DAY
    first = known.valid_from if known.valid_from and known.valid_from <= last else None
    ended = known.valid_until is not None and known.valid_until <= last
    picture = known if ended else replace(known, valid_from=first, valid_until=last)
    if picture != known:
        await bank.put_pictures({key: encode(picture)}, clock())
    return picture


async def _by_hand(bank: Bank, key: str) -> Picture:
    known = (await read_catalogue(bank)).pictures.get(key)
    if known is None:
        raise CatalogueRefused((f"{key}: is not in the bank",), "gone")
    if known.source is Source.FOLDER:
        problem = f"{key}: comes from the folder's catalogue.toml: change it there"
        raise CatalogueRefused((problem,), "folder")
    return known


async def _post_file(known: Picture, description: Description, storage: MediaStorage) -> str:
    data = await storage.get(known.file)
    if data is None:
        raise CatalogueRefused((f"{known.id}: its file is missing",), "file_missing")
    try:
        made = await asyncio.to_thread(post_of, data, description.post)
    except PictureRefused as error:
        raise CatalogueRefused((f"{known.id}: {error}",), error.reason) from error
    await storage.put(made.name, made.data)
    return made.name
