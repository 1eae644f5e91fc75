"""Changes of the bank: files first, then the entries that name them, then what nobody names."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

import structlog

from image_bank.catalogue import ID_PATTERN, Picture, Source, decode, encode
from image_bank.checking import TREATMENT, Checked, check_picture
from image_bank.description import Description
from image_bank.errors import CatalogueRefused, PictureRefused
from image_bank.storage import MediaStorage
from vestlus.clock import Clock
from vestlus.store.port import Bank

_log = structlog.get_logger(__name__)

_ID_RULE: Final = "must be 1 to 64 small letters, digits and hyphens, such as opening-hours"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries of the bank."""

    pictures: Mapping[str, Picture]
    #: The entries that this version cannot read, by id.
    unreadable: Mapping[str, str]


async def read_catalogue(bank: Bank) -> Catalogue:
    """The entries as they are now. Raises StoreUnavailable."""
    pictures: dict[str, Picture] = {}
    unreadable: dict[str, str] = {}
    for key, entry in sorted((await bank.catalogue()).items()):
        try:
            pictures[key] = decode(entry)
        except CatalogueRefused:
            unreadable[key] = entry
            _log.warning("picture_entry_unreadable", picture=key)
    return Catalogue(pictures, unreadable)


def check_id(where: str, key: object) -> str:
    """The id itself. Raises CatalogueRefused."""
    if not isinstance(key, str) or ID_PATTERN.fullmatch(key) is None:
        raise CatalogueRefused((f"{where}: id: {_ID_RULE}",), "id")
    return key


async def make_picture(
    key: str,
    description: Description,
    data: bytes,
    *,
    storage: MediaStorage,
    known: Picture | None,
    source: Source,
    now_ms: int,
) -> Picture:
    """The entry of a picture, with its files in the storage.

    ``known`` is the entry there was under this id: where it was made of the same file in the same
    way, and its files are there, nothing is made anew. Raises CatalogueRefused, StorageUnavailable.
    """
    origin = origin_of(description, data)
    if known is not None and known.origin == origin and await _all_there(known, storage):
        made = known
    else:
        try:
            checked = await check_picture(
                data, for_posts=description.in_posts, fit=description.post
            )
        except PictureRefused as error:
            raise CatalogueRefused((f"{key}: {error}",), error.reason) from error
        await _put(checked, storage)
        made = _entry(key, checked, added_ms=known.added_ms if known else now_ms)
    return replace(
        made,
        source=source,
        origin=origin,
        shows=description.shows,
        alt=description.alt,
        tags=description.tags,
        language=description.language,
        rights=description.rights,
        ai_generated=description.ai_generated,
        in_dms=description.in_dms,
        in_posts=description.in_posts,
        valid_from=description.valid_from,
        valid_until=description.valid_until,
        accounts=description.accounts,
    )


def origin_of(description: Description, data: bytes) -> str:
    """What a picture is made from: the same for the same file, treated in the same way."""
    treatment = f"{TREATMENT} {description.in_posts} {description.post}".encode()
    return hashlib.sha256(treatment + b"\x00" + data).hexdigest()


async def add_by_hand(
    key: str,
    description: Description,
    data: bytes,
    *,
    bank: Bank,
    storage: MediaStorage,
    clock: Clock,
    replacing: bool = False,
) -> Picture:
    """Adds a picture, or puts it in the place of one that was added by hand.

    Raises CatalogueRefused, StorageUnavailable, StoreUnavailable; then nothing was changed.
    """
    check_id(str(key), key)
    catalogue = await read_catalogue(bank)
    known = catalogue.pictures.get(key)
    if known is not None and known.source is Source.FOLDER:
        problem = f"{key}: comes from the folder's catalogue.toml: change it there"
        raise CatalogueRefused((problem,), "folder")
    if known is not None and not replacing:
        problem = f"{key}: is in the bank already: --replace puts this in its place"
        raise CatalogueRefused((problem,), "taken")
    if key in catalogue.unreadable and not replacing:
        raise CatalogueRefused((f"{key}: is in the bank in a form that cannot be read",))
    now_ms = clock()
    picture = await make_picture(
        key,
        description,
        data,
        storage=storage,
        known=known,
        source=Source.HAND,
        now_ms=now_ms,
    )
    await bank.put_pictures({key: encode(picture)}, now_ms)
    await sweep(known.files if known else (), bank=bank, storage=storage)
    return picture


async def remove(
    keys: Collection[str],
    *,
    bank: Bank,
    storage: MediaStorage,
    clock: Clock,
    folder_in_use: bool = False,
) -> None:
    """Removes pictures, with the files that no other picture has.

    Links that were given out for them find nothing any more. ``folder_in_use``: what comes from
    the folder would come back from there. Raises CatalogueRefused, and then nothing was changed;
    StorageUnavailable, StoreUnavailable.
    """
    catalogue = await read_catalogue(bank)
    found = {key: catalogue.pictures[key] for key in keys if key in catalogue.pictures}
    problems = [
        *(
            f"{key}: is not in the bank"
            for key in keys
            if key not in found and key not in catalogue.unreadable
        ),
        *(
            f"{key}: comes from the folder: take it out of its catalogue.toml"
            for key, one in found.items()
            if folder_in_use and one.source is Source.FOLDER
        ),
    ]
    if problems:
        raise CatalogueRefused(tuple(problems), "folder" if found else "gone")
    await bank.remove_pictures(frozenset(keys), clock())
    files = frozenset[str]().union(*(one.files for one in found.values()))
    await sweep(files, bank=bank, storage=storage)


async def sweep(files: Collection[str], *, bank: Bank, storage: MediaStorage) -> None:
    """Deletes those of the files that no entry names, be it readable or not."""
    if not files:
        return
    catalogue = await read_catalogue(bank)
    used = frozenset[str]().union(*(one.files for one in catalogue.pictures.values()))
    for name in sorted(frozenset(files) - used):
        if not any(name in entry for entry in catalogue.unreadable.values()):
            await storage.delete(name)


async def _all_there(picture: Picture, storage: MediaStorage) -> bool:
    for name in sorted(picture.files):
        if not await storage.exists(name):
            return False
    return True


async def _put(checked: Checked, storage: MediaStorage) -> None:
    renditions = {one.name: one for one in (checked.picture, checked.post) if one is not None}
    for rendition in renditions.values():
        await storage.put(rendition.name, rendition.data)


def _entry(key: str, checked: Checked, *, added_ms: int) -> Picture:
    picture = checked.picture
    return Picture(
        id=key,
        file=picture.name,
        media_type=picture.media_type,
        size=len(picture.data),
        width=picture.width,
        height=picture.height,
        post_file=checked.post.name if checked.post else None,
        shows="",
        added_ms=added_ms,
    )
