"""What the Graph API's answers about posts hold. What is not as expected raises Malformed."""

from __future__ import annotations

import re
from typing import Final

from vestlus.instagram.json_values import (
    Json,
    Malformed,
    ident,
    moment,
    number,
    record,
    text,
)
from vestlus.instagram.port import Container, ContainerStatus, PublishedMedia, PublishingQuota

#: Meta's subcodes of publishing errors, as they stand in the words of a container's ``status``.
_SUBCODE: Final = re.compile(r"(?<![0-9])22[0-9]{5}(?![0-9])", re.ASCII)

#: Meta, "Content Publishing Limit": 24 hours, where the answer does not say.
_DAY_SECONDS: Final = 86_400


def read_new_id(content: object) -> str | None:
    """The id of what was made, if the answer has one."""
    try:
        return ident(_object(content).get("id"))
    except Malformed:
        return None


def read_container(content: object) -> Container:
    """The answer to ``?fields=status_code,status``."""
    body = _object(content)
    try:
        status = ContainerStatus(text(body.get("status_code")) or "")
    except ValueError:
        raise Malformed from None
    found = _SUBCODE.search(_words(body.get("status")))
    return Container(status, int(found[0]) if found else 0)


def read_quota(content: object) -> PublishingQuota:
    """The answer to ``content_publishing_limit?fields=quota_usage,config``."""
    listed = _listed(content)
    if not listed:
        raise Malformed
    first = record(listed[0])
    config = record(first.get("config"))
    used, total = number(first.get("quota_usage")), number(config.get("quota_total"))
    if used is None or total is None:
        raise Malformed
    seconds = number(config.get("quota_duration"))
    return PublishingQuota(used, total, seconds or _DAY_SECONDS)


def read_media(content: object) -> tuple[PublishedMedia, ...]:
    """The account's posts, newest first."""
    found = [_media(record(one)) for one in _listed(content)]
    found.sort(key=lambda media: -media.created_ms)
    return tuple(found)


def _media(body: dict[str, Json]) -> PublishedMedia:
    id_, created_ms = ident(body.get("id")), moment(body.get("timestamp"))
    if id_ is None or created_ms is None:
        raise Malformed
    return PublishedMedia(id_, text(body.get("caption")) or "", created_ms)


def _words(value: Json) -> str:
    """The status's words; some answers have written the bare subcode as a number."""
    return str(value) if type(value) is int else text(value) or ""


def _object(content: object) -> dict[str, Json]:
    if not isinstance(content, dict):
        raise Malformed
    return content


def _listed(content: object) -> list[Json]:
    data = _object(content).get("data")
    if not isinstance(data, list):
        raise Malformed
    return data
