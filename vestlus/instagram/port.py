"""What publishers need of Instagram."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

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


class Messaging(Uploads, Presence, Protocol):
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

    async def recent_messages(self, account: str, user: str) -> tuple[RecentMessage, ...]:
        """The newest messages of the conversation, at most 20, newest first."""
        ...
