"""What an assistant wants said: parts in order, each text or a picture of the image bank."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of text, of any length; it is split before sending."""

    text: str


@dataclass(frozen=True, slots=True)
class PicturePart:
    """A picture, by its id in the image bank."""

    picture: str


Part = TextPart | PicturePart


class Concern(StrEnum):
    """What moderation found in the messages or in the answer."""

    #: Somebody may harm themselves, or is in danger.
    EMERGENCY = "emergency"
    #: The messages are of a kind that must not be answered by a model.
    UNSAFE_MESSAGES = "unsafe_messages"
    #: The model's answer must not be sent.
    UNSAFE_ANSWER = "unsafe_answer"
    #: Moderation itself failed, and the account asks for it: see ``moderation_failure``.
    NOT_MODERATED = "not_moderated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer, checked: what is in it may be sent.

    With a ``concern`` there are no parts: a fixed text is sent instead.
    """

    parts: tuple[Part, ...]
    #: The assistant asks for a person to take over.
    handover: bool = False
    #: For the person who takes over: what the user wants, in a sentence or two.
    note: str = ""
    #: The language of the answer, BCP 47; empty where it is not known.
    language: str = ""
    concern: Concern | None = None

    @property
    def text(self) -> str:
        """All the text of the answer."""
        return "\n\n".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def pictures(self) -> tuple[str, ...]:
        """The ids of the pictures of the answer, in order."""
        return tuple(part.picture for part in self.parts if isinstance(part, PicturePart))
