"""Posts as the store takes and gives them. Times are milliseconds since 1970, UTC."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vestlus.store.posts import PostState

#: The place of the container that is published; those of a carousel's pictures begin at 1.
WHOLE = 0


class PostKind(StrEnum):
    """What a post is."""

    PICTURE = "picture"
    CAROUSEL = "carousel"
    STORY = "story"


@dataclass(frozen=True, slots=True)
class PostPicture:
    """One picture of a post: its id in the image bank, and what those are told who cannot see it.

    An empty ``alt`` means the bank's.
    """

    id: str
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPost:
    """A post to be. ``key`` names its occasion: of one key there is one post, ever."""

    id: str
    key: str
    account: str
    kind: PostKind
    pictures: tuple[PostPicture, ...]
    caption: str = ""
    ai_generated: bool = False
    #: When it should go out, and after when it should not any more.
    planned_ms: int
    deadline_ms: int
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRow:
    """One request for a container, recorded before it was made, and what came of it.

    ``container`` is empty while that is not known: what was made then is used by nobody.
    """

    number: int
    #: Containers of an earlier round than the post's are not used any more.
    round: int
    position: int
    begun_ms: int
    container: str = ""
    made_ms: int = 0
    #: Instagram said that it can be used.
    finished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRow:
    """A post as it stands."""

    id: str
    key: str
    account: str
    kind: PostKind
    pictures: tuple[PostPicture, ...]
    caption: str
    ai_generated: bool
    state: PostState
    planned_ms: int
    #: When its next step is due.
    due_ms: int
    deadline_ms: int
    #: Raised by every step.
    version: int = 0
    round: int = 1
    #: Tries in a row that ended as "not done".
    failures: int = 0
    #: Requests to publish that were begun, and when the last one was.
    attempts: int = 0
    attempted_ms: int = 0
    #: How often it was published again because the attempt before was proved not to have.
    resends: int = 0
    #: Since when its outcome is looked for, 0 while it is not.
    looking_ms: int = 0
    #: Instagram's id of the post, where it is known.
    media_id: str | None = None
    #: A short stable word, and what to mend in a sentence.
    reason: str = ""
    problem: str = ""
    traceparent: str = ""
    created_ms: int = 0
    changed_ms: int = 0
    #: All of them, of all rounds, in the order in which they were begun.
    containers: tuple[ContainerRow, ...] = ()

    def current(self, position: int) -> ContainerRow | None:
        """The container of this round for a place, if it is known."""
        found = (
            one
            for one in reversed(self.containers)
            if one.round == self.round and one.position == position and one.container
        )
        return next(found, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostStep:
    """A step of a post, on the condition that it is still as ``of`` shows it."""

    of: PostRow
    after: PostState
    at_ms: int
    due_ms: int = 0
    failures: int = 0
    reason: str = ""
    problem: str = ""
    media_id: str | None = None
    #: The place for which a container is requested now. To CREATING only, and always.
    begins: int | None = None
    #: The id of the container that was requested last. From CREATING only.
    made: str = ""
    #: Numbers of containers that Instagram said can be used.
    finished: tuple[int, ...] = ()
    #: What containers there are is not used any more.
    new_round: bool = False
    #: The step follows a proof that the attempt before did not publish.
    resend: bool = False


class PostStepResult(StrEnum):
    """What became of a step."""

    DONE = "done"
    #: The post is not as the step supposed.
    STALE = "stale"
    LEASE_LOST = "lease_lost"
    #: The ``media_id`` is another post's already: one of Instagram's proves one of ours.
    MEDIA_TAKEN = "media_taken"


@dataclass(frozen=True, slots=True)
class PostTimes:
    """When an account's containers were begun and posts published, oldest first."""

    containers: tuple[int, ...] = ()
    posts: tuple[int, ...] = ()
