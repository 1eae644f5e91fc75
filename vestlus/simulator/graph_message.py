"""What a call of the Send API says: recipient, action, text, pictures, tag."""

from dataclasses import dataclass

from vestlus.simulator import graph_errors
from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.media import TYPES

# Send Messages (Instagram Login).
TEXT_BYTES = 1000
MOST_IMAGES = 10
ACTIONS = ("typing_on", "typing_off", "mark_seen", "react", "unreact")
HUMAN_AGENT = "HUMAN_AGENT"


def check_shape(body: JsonObject) -> tuple[str, str | None, JsonObject]:
    """Return recipient, action and message of a send.

    Raises:
        GraphError: If there is no recipient id, or not exactly one of action and message.

    """
    recipient = body.get("recipient")
    user = recipient.get("id") if isinstance(recipient, dict) else None
    if not isinstance(user, str) or not user:
        raise graph_errors.bad_parameter(name="recipient")
    action, message = body.get("sender_action"), body.get("message")
    if action is not None and message is not None:
        raise graph_errors.action_with_message()
    if action is not None:
        if action not in ACTIONS:
            raise graph_errors.bad_parameter(name="sender_action")
        return user, str(action), {}
    if not isinstance(message, dict):
        raise graph_errors.bad_parameter(name="message")
    return user, None, message


def message_text(message: JsonObject) -> str | None:
    """Return the text of a message, or None if it has none.

    Raises:
        GraphError: If the text is empty or over 1000 bytes of UTF-8.

    """
    text = message.get("text")
    if text is None:
        return None
    if not isinstance(text, str) or not text.strip():
        raise graph_errors.invalid_message()
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise graph_errors.invalid_message() from error
    if size > TEXT_BYTES:
        raise graph_errors.invalid_message()
    return text


@dataclass(frozen=True, slots=True)
class MediaItem:
    """One picture or file of a message: by address, or by the id of an upload."""

    kind: str
    url: str | None = None
    upload: str | None = None


def message_media(message: JsonObject) -> list[MediaItem]:
    """Return the pictures and files of a message.

    `attachment` is one object; `attachments` is a list of up to ten pictures, or one object as in
    a sample of Meta's page. Addresses and ids of uploads may be mixed.

    Raises:
        GraphError: If the shape is another.

    """
    given: Json = message.get("attachments", message.get("attachment"))
    if given is None:
        return []
    items = given if isinstance(given, list) else [given]
    found = [_media_item(item) for item in items]
    several = len(found) > 1
    if not found or len(found) > MOST_IMAGES:
        raise graph_errors.invalid_message()
    if several and any(item.kind != "image" for item in found):
        raise graph_errors.invalid_message()
    return found


def _media_item(item: Json) -> MediaItem:
    kind = item.get("type") if isinstance(item, dict) else None
    content = item.get("payload") if isinstance(item, dict) else None
    if not isinstance(kind, str) or kind not in TYPES or not isinstance(content, dict):
        raise graph_errors.invalid_message()
    url, upload = content.get("url"), content.get("attachment_id")
    if isinstance(upload, int) and not isinstance(upload, bool):
        upload = str(upload)
    if isinstance(upload, str) and upload and url is None:
        return MediaItem(kind, upload=upload)
    if not isinstance(url, str) or upload is not None:
        raise graph_errors.invalid_message()
    if not url.startswith(("http://", "https://")):
        raise graph_errors.media_unreachable()
    return MediaItem(kind, url=url)


def upload_media(body: JsonObject) -> MediaItem:
    """Return what `message_attachments` is to fetch and keep.

    Raises:
        GraphError: If it is not one picture or file by its address, to be used again.

    """
    if body.get("platform") not in {None, "instagram"}:
        raise graph_errors.bad_parameter(name="platform")
    message = body.get("message")
    given = message.get("attachment") if isinstance(message, dict) else None
    item = _media_item(given)
    content = given.get("payload") if isinstance(given, dict) else None
    reusable = content.get("is_reusable") if isinstance(content, dict) else None
    if item.url is None or reusable not in {True, "true"}:
        raise graph_errors.bad_parameter(name="payload")
    return item


def message_tag(body: JsonObject) -> str | None:
    """Return the tag of a send, if it has one.

    Raises:
        GraphError: If it is another than HUMAN_AGENT: the others ended on 2026-04-27.

    """
    tag = body.get("tag")
    if tag is None or tag == HUMAN_AGENT:
        return tag
    raise graph_errors.bad_parameter(name="tag")
