"""Containers and the grid: what was made ready for publishing, and what was published."""

import json
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.persistence import PUT_CONTAINER, PUT_POST, DataFile, Saved

DAY_SECONDS = 86_400.0

PostKind = Literal["IMAGE", "STORIES", "CAROUSEL"]


@dataclass(frozen=True, slots=True)
class PublishingSettings:
    """Limits and times. Meta's own: 100 posts (some pages: 50) and 400 containers in 24 h.

    `check_later`: what is wrong with a picture shows in the container's status, and not in the
    answer to the request that made it.
    """

    posts_per_day: int = 100
    containers_per_day: int = 400
    expire_seconds: float = DAY_SECONDS
    processing_seconds: float = 0.0
    check_later: bool = False

    def to_json(self) -> JsonObject:
        """Return the form of the control API."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PostPicture:
    """One picture of a container or post; `media` is its SHA-256."""

    url: str
    media: str
    alt: str | None = None

    def to_json(self) -> JsonObject:
        """Return the form of the control API."""
        return {
            "url": self.url,
            "media": f"/media/{self.media}",
            "sha256": self.media,
            "alt": self.alt,
        }


@dataclass(slots=True, kw_only=True)
class Container:
    """What a call of `/media` made. `error` is a subcode, where its picture is found wanting."""

    id: str
    account: str
    kind: PostKind
    item: bool
    created_at: float
    caption: str | None = None
    ai_generated: bool = False
    pictures: tuple[PostPicture, ...] = ()
    error: int | None = None
    published: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post on the grid, or one story."""

    seq: int
    id: str
    account: str
    container: str
    kind: PostKind
    created_at: float
    caption: str | None
    ai_generated: bool
    pictures: tuple[PostPicture, ...] = field(default=())

    def to_json(self) -> JsonObject:
        """Return the form of the control API."""
        pictures: list[Json] = [each.to_json() for each in self.pictures]
        return {
            "seq": self.seq,
            "id": self.id,
            "account": self.account,
            "container": self.container,
            "kind": self.kind,
            "created_at": self.created_at,
            "caption": self.caption,
            "is_ai_generated": self.ai_generated,
            "pictures": pictures,
        }


class Posts:
    """All containers and posts, in memory, with changes handed to the data file."""

    def __init__(
        self, data: DataFile, saved: Saved, *, clock: Callable[[], float], rng: random.Random
    ) -> None:
        self.settings = PublishingSettings()
        self.clock = clock
        self._data = data
        self._rng = rng
        self._containers = {
            each.id: each for each in (Container(**_read(body)) for body in saved.containers)
        }
        self._posts = [Post(**_read(body)) for body in saved.posts]

    def add_container(
        self,
        account: str,
        kind: PostKind,
        *,
        item: bool,
        caption: str | None,
        ai_generated: bool,
        pictures: tuple[PostPicture, ...],
        error: int | None = None,
    ) -> Container:
        """Make a container and store it."""
        made = Container(
            id=self._new_id(),
            account=account,
            kind=kind,
            item=item,
            created_at=self.clock(),
            caption=caption,
            ai_generated=ai_generated,
            pictures=pictures,
            error=error,
        )
        self._keep(made)
        return made

    def container(self, account: str, container: str) -> Container | None:
        """Return a container of the account."""
        found = self._containers.get(container)
        return found if found is not None and found.account == account else None

    def owner(self, container: str) -> str | None:
        """Return the account of a container."""
        found = self._containers.get(container)
        return None if found is None else found.account

    def publish(self, container: Container) -> Post:
        """Put a container on the grid, also one that is there already.

        Nothing of Meta's says that a container is published once only, so nobody may rely on it.
        """
        post = Post(
            seq=len(self._posts) + 1,
            id=self._new_id(),
            account=container.account,
            container=container.id,
            kind=container.kind,
            created_at=self.clock(),
            caption=container.caption,
            ai_generated=container.ai_generated,
            pictures=container.pictures,
        )
        self._posts.append(post)
        self._data.put(PUT_POST, post.seq, json.dumps(asdict(post)))
        container.published = True
        self._keep(container)
        return post

    def status_of(self, container: Container) -> str:
        """Return Meta's `status_code`."""
        age = self.clock() - container.created_at
        if container.published:
            return "PUBLISHED"
        if age >= self.settings.expire_seconds:
            return "EXPIRED"
        if age < self.settings.processing_seconds:
            return "IN_PROGRESS"
        return "ERROR" if container.error is not None else "FINISHED"

    def of(self, account: str) -> list[Post]:
        """Return the account's posts and stories, newest first."""
        return [each for each in reversed(self._posts) if each.account == account]

    def published_today(self, account: str) -> int:
        """Return how many posts of the last 24 hours count; a carousel is one."""
        since = self.clock() - DAY_SECONDS
        return sum(each.created_at > since for each in self._posts if each.account == account)

    def made_today(self, account: str) -> int:
        """Return how many containers of the last 24 hours count."""
        since = self.clock() - DAY_SECONDS
        made = self._containers.values()
        return sum(each.created_at > since for each in made if each.account == account)

    def _keep(self, container: Container) -> None:
        self._containers[container.id] = container
        self._data.put(PUT_CONTAINER, container.id, json.dumps(asdict(container)))

    def _new_id(self) -> str:
        # Numbers of the things there are keep ids apart even when a seed is used twice.
        count = len(self._containers) + len(self._posts)
        return str(17_900_000_000_000_000 + count * 10_000_000 + self._rng.randrange(10_000_000))


def _read(body: JsonObject) -> dict[str, Any]:
    fields: dict[str, Any] = dict(body)
    fields["pictures"] = tuple(PostPicture(**each) for each in fields["pictures"])
    return fields
