"""What publishers need of Instagram."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, Protocol

from vestlus.conversation.events import Attachment

#: Meta, "Send messages": up to ten pictures in one message.
MAX_PICTURES: Final = 10

SenderAction = Literal["typing_on", "typing_off", "mark_seen"]

#: Awaited when all is ready and right before a request's first byte is written. Nothing runs
#: between its return and the writing. False keeps the request back: ``HeldBack`` is raised.
Gate = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class RecentMessage:
    """One message as the Conversations API lists it. ``created_ms``: since 1970, whole seconds."""

    mid: str
    sender: str
    text: str
    created_ms: int
    #: How many pictures or other media it has.
    attachments: int = 0


@dataclass(frozen=True, slots=True)
class RecentMessages:
    """The newest messages of a conversation, at most 20, newest first.

    ``told_ms``: when Instagram said so, by its own clock, in whole seconds since 1970, as
    milliseconds; ``None`` where it did not tell.
    """

    messages: tuple[RecentMessage, ...]
    told_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PictureToSend:
    """A picture: either an address that Meta fetches, or the id of a reusable upload."""

    url: str = ""
    attachment_id: str = ""

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.attachment_id):
            raise ValueError("a picture has either an address or the id of an upload")


class Uploads(Protocol):
    """Giving Instagram pictures once that are sent often."""

    async def upload_picture(self, account: str, url: str, *, gate: Gate | None = None) -> str:
        """Makes Meta fetch a picture and keep it for messages; returns its reusable id.

        Raises the GraphError family. Nobody is written to: at worst Meta has kept a picture.
        """
        ...


class Presence(Protocol):
    """Signs without words."""

    async def sender_action(
        self, account: str, user: str, action: SenderAction, *, gate: Gate | None = None
    ) -> None:
        """Shows that somebody is typing, has stopped, or has seen the message.

        Raises the GraphError family.
        """
        ...


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as the Conversations API lists it. ``updated_ms``: whole seconds."""

    id: str
    updated_ms: int


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """Some conversations, newest first; ``after`` leads to the next ones, if there are any."""

    threads: tuple[Thread, ...]
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMessage:
    """One message of a conversation, whole, as far as it is listed.

    ``created_ms``: since 1970, whole seconds. What was a button, a reply or a mention is listed
    without saying so.
    """

    mid: str
    sender: str
    recipients: tuple[str, ...]
    text: str
    created_ms: int
    attachments: tuple[Attachment, ...] = ()


class Listings(Protocol):
    """Reading what was said at Instagram. All raise the GraphError family; nothing is done there.

    Meta, "Conversations API": 2 calls a second and account, and only the newest 20 messages of a
    conversation have details.
    """

    async def own_ids(self, account: str) -> frozenset[str]:
        """The ids under which the account's own messages may be listed. No such call."""
        ...

    async def threads(self, account: str, after: str | None = None) -> ThreadPage:
        """One page of the account's conversations, the last updated first. One call."""
        ...

    async def thread_messages(self, account: str, thread: str) -> tuple[ListedMessage, ...]:
        """The newest messages of a conversation, at most 20, newest first. One call."""
        ...


class Messaging(Uploads, Presence, Listings, Protocol):
    """Sending direct messages, and looking at what was sent.

    Every method raises the :class:`~vestlus.errors.GraphError` family: ``NotSent`` and
    ``Refused`` mean certainly not done, ``OutcomeUnknown`` means that request bytes were written.

    ``human_agent`` marks a message as a person's own, with which Meta allows seven days instead
    of 24 hours. Meta, "Human agent": never on an automated message.
    """

    async def send_text(
        self,
        account: str,
        user: str,
        text: str,
        *,
        human_agent: bool = False,
        gate: Gate | None = None,
    ) -> str:
        """Sends at most 1000 bytes of UTF-8; returns Graph's ``message_id``."""
        ...

    async def send_pictures(
        self,
        account: str,
        user: str,
        pictures: Sequence[PictureToSend],
        *,
        human_agent: bool = False,
        gate: Gate | None = None,
    ) -> str:
        """Sends one to ten pictures as one message; returns Graph's ``message_id``."""
        ...

    async def recent_messages(self, account: str, user: str) -> RecentMessages:
        """The newest messages of the conversation, at most 20, newest first."""
        ...


class ContainerStatus(StrEnum):
    """How far Instagram is with a container. Meta, "IG Container"."""

    IN_PROGRESS = "IN_PROGRESS"
    #: It can be published.
    FINISHED = "FINISHED"
    ERROR = "ERROR"
    #: It was not published within 24 hours and cannot be any more.
    EXPIRED = "EXPIRED"
    #: Its post is on the grid, whatever the answer to the request was.
    PUBLISHED = "PUBLISHED"


@dataclass(frozen=True, slots=True)
class Container:
    """What a container's status says. ``subcode`` is Meta's for an error, 0 where it names none."""

    status: ContainerStatus
    subcode: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureContainer:
    """A picture that Meta is to fetch and make ready for publishing."""

    url: str
    caption: str = ""
    alt: str = ""
    ai_generated: bool = False
    #: One picture of a carousel: bears neither caption nor disclosure, the carousel does.
    item: bool = False
    #: A story: bears no caption.
    story: bool = False

    def __post_init__(self) -> None:
        if (self.item or self.story) and (self.caption or (self.item and self.story)):
            raise ValueError("a picture of a carousel or a story has no caption")
        if self.item and self.ai_generated:
            raise ValueError("a carousel bears the disclosure, and not its pictures")


@dataclass(frozen=True, slots=True)
class CarouselContainer:
    """A carousel of two to ten pictures that have containers already, in order."""

    children: tuple[str, ...]
    caption: str = ""
    ai_generated: bool = False


@dataclass(frozen=True, slots=True)
class PublishingQuota:
    """How many posts of the last ``seconds`` count, and how many may."""

    used: int
    total: int
    seconds: int = 86_400


@dataclass(frozen=True, slots=True)
class PublishedMedia:
    """One post as the account's own list shows it. ``created_ms``: whole seconds, since 1970."""

    id: str
    caption: str
    created_ms: int


class Publishing(Protocol):
    """Publishing posts, and looking at what was published. Meta, "Content publishing".

    Every method raises the GraphError family, with the meaning that it has for
    :class:`Messaging`. A container that nobody publishes is seen by nobody and ends after 24
    hours; it counts towards 400 a day.
    """

    async def create_container(
        self, account: str, content: PictureContainer | CarouselContainer
    ) -> str:
        """Has Meta make a post ready; returns the container's id. Meta fetches the picture now."""
        ...

    async def container(self, account: str, container: str) -> Container:
        """How far it is. Meta, "IG Container": to be asked once a minute, for five minutes."""
        ...

    async def publish(self, account: str, container: str, *, gate: Gate | None = None) -> str:
        """Publishes a container; returns the id of the post."""
        ...

    async def publishing_quota(self, account: str) -> PublishingQuota:
        """What Meta counts now. A carousel is one post."""
        ...

    async def recent_media(self, account: str) -> tuple[PublishedMedia, ...]:
        """The account's newest posts, newest first, without stories and advertisements."""
        ...
