"""What an assistant wants said: parts in order, each text or (later) a picture of the bank."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of text, of any length; it is split before sending."""

    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. ``handover`` says that the assistant asks for a person to take over."""

    parts: tuple[TextPart, ...]
    handover: bool = False

    @property
    def text(self) -> str:
        """All the text of the answer."""
        return "\n\n".join(part.text for part in self.parts)
