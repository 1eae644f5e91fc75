"""How an event reads in the history and in a prompt, where only words can go."""

from __future__ import annotations

from collections.abc import Mapping

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


#: As much of a message as is repeated where another one refers to it, in characters.
_QUOTED = 120


def as_history(event: Event, quotes: Mapping[str, str] | None = None) -> HistoryMessage:
    """The event as a message of the user's, with the addresses of its pictures.

    ``quotes``: mid → text, of messages that this one may refer to. Pictures of a story mention are
    not among those addresses: they must not be kept (Meta, "Story Mention").
    """
    images = tuple(one.url for one in event.attachments if one.type == "image" and one.url)
    return HistoryMessage(
        Role.USER, spoken(event, quotes), event.timestamp_ms, event.mid, images=images
    )


def as_operator(event: Event) -> HistoryMessage:
    """An echo, or an operator's message, as what a person of the account said."""
    return HistoryMessage(Role.OPERATOR, spoken(event), event.timestamp_ms, event.mid)


def spoken(event: Event, quotes: Mapping[str, str] | None = None) -> str:
    """The event in words: its text, and in brackets what came with it. Never empty."""
    notes = [_attachment(one) for one in event.attachments]
    if event.story_id or event.story_url:
        notes.append("[replying to a story of this account]")
    if event.reply_to_mid:
        notes.append(_about("replying to", event.reply_to_mid, quotes))
    if event.kind is EventKind.POSTBACK:
        notes.append(
            f"[pressed a button: {event.payload}]" if event.payload else "[pressed a button]"
        )
    elif event.payload:
        notes.append(f"[chose a quick reply: {event.payload}]")
    if event.referral:
        notes.append(f"[came here from: {event.referral}]")
    text = (event.text or "").strip()
    if event.is_unsupported or not (text or notes):
        notes.append("[a message that Instagram does not pass on]")
    return "\n".join(part for part in (text, *notes) if part)


def reaction_note(event: Event, quotes: Mapping[str, str] | None = None) -> HistoryMessage:
    """A reaction as a message of the user's."""
    emoji = event.emoji or "a reaction"
    text = _about(f"reacted with {emoji} to", event.mid or "", quotes)
    return HistoryMessage(Role.USER, text, event.timestamp_ms)


def referral_note(event: Event) -> HistoryMessage:
    """Where a user came from, as a message of theirs."""
    text = f"[came here from: {event.referral}]" if event.referral else "[came here by a link]"
    return HistoryMessage(Role.USER, text, event.timestamp_ms)


def _about(what: str, mid: str, quotes: Mapping[str, str] | None) -> str:
    quoted = " ".join((quotes or {}).get(mid, "").split())
    if not quoted:
        return f"[{what} an earlier message]"
    if len(quoted) > _QUOTED:
        quoted = quoted[:_QUOTED].rstrip() + "…"
    return f"[{what}: “{quoted}”]"


def _attachment(attachment: Attachment) -> str:
    name = _NAMES.get(attachment.type, "an attachment")
    return f"[{name}: {attachment.title}]" if attachment.title else f"[{name}]"
