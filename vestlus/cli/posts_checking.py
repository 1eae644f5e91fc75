"""What is wrong with a post that somebody wishes for, as far as it can be known beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from image_bank.catalogue import may_post
from image_bank.keeping import read_catalogue
from image_bank.links import local_day
from vestlus.instagram.caption_limits import caption_fits
from vestlus.instagram.graph_publishing import MAX_CHILDREN
from vestlus.settings_account import Account
from vestlus.store.port import Bank
from vestlus.store.post_rows import PostKind


@dataclass(frozen=True, slots=True)
class Wish:
    """A post of these pictures, by their ids in the bank."""

    account: str
    kind: PostKind
    pictures: tuple[str, ...]
    caption: str


async def problems_of(wish: Wish, bank: Bank, owner: Account | None, now_ms: int) -> list[str]:
    """One line for each problem. The publisher looks at the pictures again when the post is due.

    ``owner`` is the account's settings, where it is configured. Raises StoreUnavailable.
    """
    found = []
    most = MAX_CHILDREN if wish.kind is PostKind.CAROUSEL else 1
    if not 1 <= len(wish.pictures) <= most:
        found.append(f"--picture: {len(wish.pictures)} are given; a {wish.kind} takes 1 to {most}")
    if wish.kind is PostKind.STORY and wish.caption:
        found.append("--caption: a story has none")
    if not caption_fits(wish.caption):
        found.append("--caption: Instagram takes 2200 characters, 30 hashtags and 20 mentions")
    today = (
        datetime.fromtimestamp(now_ms / 1000, UTC).date()
        if owner is None
        else local_day(owner, now_ms)
    )
    pictures = (await read_catalogue(bank)).pictures
    for one in dict.fromkeys(wish.pictures):
        known = pictures.get(one)
        if known is None:
            found.append(f"{one}: is not in the bank: `vestlus images list` shows what is")
        elif not may_post(known, wish.account, today):
            found.append(f"{one}: is not for posts of this account today: `vestlus images show`")
    return found
