"""How an event reads in the history and in a prompt, where only words can go."""

from __future__ import annotations

from vestlus.conversation.events import Attachment, Event, EventKind
from vestlus.conversation.history import HistoryMessage, Role

#: What is written for attachments of Meta's types; others are named as they are.
_NAMES = {
    "image": "a picture",
    "video": "a video",
    "audio": "a voice message",
    "file": "a file",
    "share": "a shared post",
    "ig_post": "a shared post",
    "reel": "a shared reel",
    "ig_reel": "a shared reel",
    "story": "a shared story",
    "ig_story": "a shared story",
    "story_mention": "a mention of this account in their story",
    "ephemeral": "a picture that can be seen once",
    "media": "a picture or video",
}


def as_history(event: Event) -> HistoryMessage:
    """The event as a message of the user's."""
    return HistoryMessage(Role.USER, spoken(event), event.timestamp_ms, event.mid)


def spoken(event: Event) -> str:
    """The event in words: its text, and in brackets what came with it. Never empty."""
    notes = [_attachment(one) for one in event.attachments]
    if event.story_id or event.story_url:
        notes.append("[replying to a story of this account]")
    if event.kind is EventKind.POSTBACK:
        notes.append("[pressed a button]")
    if event.is_unsupported or not (event.text or notes):
        notes.append("[a message that Instagram does not pass on]")
    return "\n".join(part for part in ((event.text or "").strip(), *notes) if part)


def _attachment(attachment: Attachment) -> str:
    name = _NAMES.get(attachment.type, "an attachment")
    return f"[{name}: {attachment.title}]" if attachment.title else f"[{name}]"
