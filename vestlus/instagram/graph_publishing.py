"""The part of the Graph API that publishing needs, for Instagram Login.

Meta, "Content publishing", "IG User Media", "IG Container", "Content Publishing Limit".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from vestlus.errors import OutcomeUnknown, Refused
from vestlus.instagram.graph_bodies import Body, quoted
from vestlus.instagram.graph_publishing_answers import (
    read_container,
    read_media,
    read_new_id,
    read_quota,
)
from vestlus.instagram.port import (
    CarouselContainer,
    Container,
    Gate,
    PictureContainer,
    PublishedMedia,
    PublishingQuota,
)

#: Meta, "IG User Media": pictures of a carousel.
MIN_CHILDREN: Final = 2
MAX_CHILDREN: Final = 10

#: How many posts are listed: far more than an account may publish within the time in which the
#: outcome of one is in doubt, and one page.
LISTED: Final = 50

T = TypeVar("T")


class PublishingCalls(ABC):
    """Implements :class:`~vestlus.instagram.port.Publishing` over a client's two kinds of call."""

    @abstractmethod
    async def _post(self, account: str, edge: str, body: Body, gate: Gate | None = None) -> object:
        """Posts to an edge of the account's; the answer's content. Raises the GraphError family."""

    @abstractmethod
    async def _read(
        self,
        account: str,
        path: str,
        read: Callable[[object], T],
        query: Mapping[str, str] | None = None,
    ) -> T:
        """Reads a path; raises NotSent for whatever may be asked again."""

    async def create_container(
        self, account: str, content: PictureContainer | CarouselContainer
    ) -> str:
        """Has Meta make a post ready; returns the container's id.

        A success that names none is OutcomeUnknown.
        """
        if isinstance(content, CarouselContainer):
            body = carousel_body(content)
        else:
            body = picture_body(content)
        return _named(await self._post(account, "media", body), "no_container_id")

    async def container(self, account: str, container: str) -> Container:
        """How far a container is. A status that is none of Meta's five raises NotSent."""
        fields = {"fields": "status_code,status"}
        return await self._read(account, quoted(container), read_container, fields)

    async def publish(self, account: str, container: str, *, gate: Gate | None = None) -> str:
        """Publishes a container; returns the post's id. A success without one is OutcomeUnknown."""
        body: Body = {"creation_id": container}
        return _named(await self._post(account, "media_publish", body, gate), "no_media_id")

    async def publishing_quota(self, account: str) -> PublishingQuota:
        """What Meta counts now."""
        path = f"{quoted(account)}/content_publishing_limit"
        return await self._read(account, path, read_quota, {"fields": "quota_usage,config"})

    async def recent_media(self, account: str) -> tuple[PublishedMedia, ...]:
        """The account's newest posts, newest first, at most 50.

        Nothing is left out silently: a list that cannot be read in full raises NotSent. That it
        begins with the newest is shown by Meta's samples and not promised; it is sorted here.
        """
        query = {"fields": "id,caption,timestamp", "limit": str(LISTED)}
        return await self._read(account, f"{quoted(account)}/media", read_media, query)


def picture_body(content: PictureContainer) -> Body:
    """A container of one picture: a post, a story, or a part of a carousel."""
    body: Body = {"image_url": content.url}
    if content.story:
        body["media_type"] = "STORIES"
    if content.item:
        body["is_carousel_item"] = True
    if content.caption:
        body["caption"] = content.caption
    # Meta, "IG User Media": alternative texts belong to picture posts, and not to stories.
    if content.alt and not content.story:
        body["alt_text"] = content.alt
    if content.ai_generated:
        body["is_ai_generated"] = True
    return body


def carousel_body(content: CarouselContainer) -> Body:
    """A container of containers. Raises Refused for fewer than two and for more than ten."""
    if not MIN_CHILDREN <= len(content.children) <= MAX_CHILDREN:
        raise Refused("carousel_count")
    body: Body = {"media_type": "CAROUSEL", "children": ",".join(content.children)}
    if content.caption:
        body["caption"] = content.caption
    if content.ai_generated:
        body["is_ai_generated"] = True
    return body


def _named(content: object, missing: str) -> str:
    found = read_new_id(content)
    if found is None:
        raise OutcomeUnknown(missing)
    return found
