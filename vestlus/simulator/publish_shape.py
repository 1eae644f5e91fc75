"""What a call of `/media` says, checked as far as words and numbers go."""

import re
from dataclasses import dataclass

from vestlus.simulator import graph_errors, publish_errors
from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.posts import PostKind

# IG User Media: captions and alternative texts.
CAPTION_CHARS = 2200
HASHTAGS = 30
MENTIONS = 20
ALT_CHARS = 1000
FEWEST_CHILDREN, MOST_CHILDREN = 2, 10
HASHTAG = re.compile(r"#\w+")
MENTION = re.compile(r"@[\w.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A container as it is asked for: of a picture, or of children."""

    kind: PostKind
    url: str | None
    children: tuple[str, ...]
    item: bool
    caption: str | None
    alt: str | None
    ai_generated: bool


def read_container(parameters: JsonObject) -> Wanted:
    """Read what kind of container is asked for.

    Raises:
        GraphError: As Meta refuses it.

    """
    given = parameters.get("media_type")
    if given not in {None, "IMAGE", "STORIES", "CAROUSEL"}:
        raise publish_errors.unknown_type()
    kind: PostKind = "IMAGE"
    if given == "STORIES":
        kind = "STORIES"
    elif given == "CAROUSEL":
        kind = "CAROUSEL"
    item = _flag(parameters, "is_carousel_item")
    ai_generated = _flag(parameters, "is_ai_generated")
    caption, alt = _text(parameters, "caption"), _text(parameters, "alt_text")
    url = _text(parameters, "image_url")
    if item and (kind != "IMAGE" or caption is not None or ai_generated):
        raise graph_errors.bad_parameter(name="is_carousel_item")
    if alt is not None and (kind != "IMAGE" or len(alt) > ALT_CHARS):
        raise graph_errors.bad_parameter(name="alt_text")
    if (url is None) != (kind == "CAROUSEL"):
        raise graph_errors.bad_parameter(name="image_url")
    if caption is not None:
        _check_caption(caption)
    children = _children(parameters.get("children")) if kind == "CAROUSEL" else ()
    return Wanted(
        kind=kind,
        url=url,
        children=children,
        item=item,
        caption=caption,
        alt=alt,
        ai_generated=ai_generated,
    )


def _check_caption(caption: str) -> None:
    too_long = len(caption) > CAPTION_CHARS
    too_many = len(HASHTAG.findall(caption)) > HASHTAGS or len(MENTION.findall(caption)) > MENTIONS
    if too_long or too_many:
        raise publish_errors.bad_caption()


def _children(given: Json) -> tuple[str, ...]:
    listed = given.split(",") if isinstance(given, str) else given
    if not isinstance(listed, list):
        raise publish_errors.carousel_count()
    found = tuple(str(each).strip() for each in listed)
    if not FEWEST_CHILDREN <= len(found) <= MOST_CHILDREN:
        raise publish_errors.carousel_count()
    return found


def _flag(parameters: JsonObject, name: str) -> bool:
    value = parameters.get(name, False)
    if value in {True, "true", "1"}:
        return True
    if value in {False, "false", "0"}:
        return False
    raise graph_errors.bad_parameter(name=name)


def _text(parameters: JsonObject, name: str) -> str | None:
    value = parameters.get(name)
    if value is None or isinstance(value, str):
        return value
    raise graph_errors.bad_parameter(name=name)
