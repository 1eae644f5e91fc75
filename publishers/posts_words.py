"""What is wrong with a post, and what to mend, in a sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from vestlus.errors import GraphError, NotSent, TokenRejected
from vestlus.instagram.caption_limits import counts
from vestlus.store.post_rows import PostRow

#: By the reason of the table of errors, or one of ours. ``{pictures}``: each with its size.
_WORDS: Final = {
    "image_ratio": "{pictures}, Instagram takes 0.8 to 1.91: add it to the bank again with a fit",
    "image_size": "{pictures}, and its file is over 8 MiB: add a smaller one to the bank",
    "image_format": "{pictures}, and Instagram takes JPEG only: add it to the bank again",
    "caption_too_long": "the caption has {caption}; Instagram takes 2200, 30 and 20: shorten it",
    "carousel_count": "the post has {count}, and a carousel takes 2 to 10, any other post one",
    "media_unreachable": (
        "Instagram could not fetch the picture: VESTLUS_PUBLIC_URL must be an address of this"
        " service that can be reached from outside"
    ),
    "download_timeout": "Instagram waited too long for the picture: our server is slow to reach",
    "publishing_restricted": (
        "Instagram restricts this account's posts as suspected spam: look into the Instagram"
        " app; it is tried again once an hour until it is too late for the post"
    ),
    "account_inactive": (
        "Instagram says that the account is restricted or inactive: log in to the Instagram app;"
        " it is tried again once an hour until it is too late for the post"
    ),
    "publishing_limit": "the day's posts or containers are used up; it goes on when there is room",
    "throttled": "Instagram slows the account's calls down; it goes on by itself",
    "held_back": (
        "it was kept back: the right to publish for the account was about to end, or it was too"
        " late for the post"
    ),
    "picture_unavailable": (
        "a picture is not in the bank, not for posts, not valid on this day or not for this"
        " account, or VESTLUS_PUBLIC_URL is not set: `vestlus images show` tells"
    ),
    "too_late": (
        "it could not be published in time, or while the yes to it was good: plan it anew if it is"
        " still wanted"
    ),
    "container_failed": "Instagram made nothing of it, again and again: try other pictures",
    "container_not_made": "Instagram took no picture of it, again and again: try it later",
    "ambiguous_twice": (
        "twice nobody can tell whether it was published: look at the account, and plan it anew if"
        " it is not there"
    ),
    "restored": (
        "the store was restored from a backup, and it may have been published since: look at the"
        " account, and plan it anew if it is not there"
    ),
    "not_readable": (
        "Instagram could not be asked whether it was published: look at the account, and plan it"
        " anew if it is not there"
    ),
    "cannot_be_known": (
        "its container has ended and nothing tells whether it was published: look at the account,"
        " and plan it anew if it is not there"
    ),
}

_TOKEN: Final = "the access token is not accepted: connect the account anew"  # noqa: S105 - words


class PostLink(Protocol):
    """Where a picture for posts is at this moment."""

    @property
    def url(self) -> str:
        """A signed address from which Meta can fetch it, valid for a while."""
        ...

    @property
    def alt(self) -> str:
        """What the bank says to those who cannot see it."""
        ...

    @property
    def width(self) -> int:
        """Pixels, of the picture in the bank."""
        ...

    @property
    def height(self) -> int:
        """Pixels, of the picture in the bank."""
        ...


def problem(
    reason: str, post: PostRow, links: Sequence[PostLink] = (), error: GraphError | None = None
) -> str:
    """One sentence, begun with Meta's code where there is one."""
    code = str(error.code) if error is not None and error.code else ""
    said = _WORDS.get(reason) or _of_error(reason, error)
    words = said.format(pictures=_pictures(links), caption=counts(post.caption), count=_count(post))
    return f"{code}: {words}" if code else words


def _of_error(reason: str, error: GraphError | None) -> str:
    if isinstance(error, TokenRejected):
        return _TOKEN
    if error is not None and not error.code:
        known = "could not be reached" if isinstance(error, NotSent) else "gave no usable answer"
        return f"Instagram {known} ({reason}); it goes on by itself"
    subcode = f" (subcode {error.subcode})" if error is not None and error.subcode else ""
    return f"Instagram said {reason}{subcode}"


def _pictures(links: Sequence[PostLink]) -> str:
    if not links:
        return "a picture does not fit"
    sizes = [f"{one.width / max(one.height, 1):.3g} ({one.width} x {one.height})" for one in links]
    return f"the picture's ratio is {' and '.join(sizes)}"


def _count(post: PostRow) -> str:
    number = len(post.pictures)
    return "1 picture" if number == 1 else f"{number} pictures"
