"""What is written in requests to the Graph API, and what is refused before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from vestlus.errors import Refused
from vestlus.instagram.port import MAX_PICTURES, PictureToSend, SenderAction

#: Meta, "Send messages": text is UTF-8 of at most 1000 bytes.
MAX_TEXT_BYTES: Final = 1000

#: Meta's Postman collection has the tag alone; open-source inboxes that send it in production
#: name the type too.
_HUMAN_AGENT: Final = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}

Body = dict[str, object]


def text_body(user: str, text: str, *, human_agent: bool) -> Body:
    """A message of text. Raises Refused for one that Meta does not take."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Refused("text_not_unicode") from None
    if not 0 < size <= MAX_TEXT_BYTES:
        raise Refused("text_too_long" if size else "text_empty")
    return _message(user, {"text": text}, human_agent=human_agent)


def pictures_body(user: str, pictures: Sequence[PictureToSend], *, human_agent: bool) -> Body:
    """A message of pictures. Raises Refused for none or more than ten.

    Meta, "Send messages": one is an ``attachment``, several are a list of ``attachments``.
    """
    if not 0 < len(pictures) <= MAX_PICTURES:
        raise Refused("too_many_pictures" if pictures else "no_pictures")
    listed = [{"type": "image", "payload": _payload(one)} for one in pictures]
    content: Body = {"attachments": listed} if len(listed) > 1 else {"attachment": listed[0]}
    return _message(user, content, human_agent=human_agent)


def action_body(user: str, action: SenderAction) -> Body:
    """A sign without a message. Meta, "Sender actions"."""
    return {"recipient": {"id": user}, "sender_action": action}


def upload_body(url: str) -> Body:
    """A picture to be kept for many messages. Meta, "Upload media"."""
    payload = {"url": url, "is_reusable": True}
    return {"message": {"attachment": {"type": "image", "payload": payload}}}


def quoted(node: str) -> str:
    """An id as one segment of a path, whatever is in it. Raises Refused for what is none."""
    if not node or set(node) == {"."} or not node.isascii():
        raise Refused("bad_node_id")
    return quote(node, safe="")


def _message(user: str, content: Body, *, human_agent: bool) -> Body:
    body: Body = {"recipient": {"id": user}, "message": content}
    return {**body, **_HUMAN_AGENT} if human_agent else body


def _payload(picture: PictureToSend) -> dict[str, str]:
    if picture.attachment_id:
        return {"attachment_id": picture.attachment_id}
    return {"url": picture.url}
