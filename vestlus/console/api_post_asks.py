"""What is asked of ``/api/v1/posts``: the models of queries and bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from vestlus.console.api_shapes import PostShape
from vestlus.console.operations import Shape
from vestlus.desk.post_checks import MOST_HOURS

#: Posts of one answer.
_MOST: Final = 200


def _text(value: str) -> str:
    """Raises ValueError for text that no database keeps."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a character") from None
    if "\x00" in value:
        raise ValueError("holds a NUL")
    return value


Text = Annotated[str, AfterValidator(_text)]
#: Longer than Instagram takes: how long it may be is said in words.
Caption = Annotated[Text, Field(max_length=10_000)]


def _written(value: object) -> object:
    """Raises ValueError for a number, which Pydantic would take for seconds since 1970."""
    if not isinstance(value, datetime) and not (isinstance(value, str) and "-" in value[1:]):
        raise ValueError("must be a date and a time, as in 2026-12-24T09:00+02:00")
    return value


Written = BeforeValidator(_written)
Number = Annotated[str, Field(pattern=r"^[0-9]{1,32}$")]


class ListPosts(Shape):
    """Posts and drafts of a span of time, those of the last 30 days and later unless it says so."""

    account: Number | None = None
    since: Annotated[AwareDatetime, Written] | None = None
    until: Annotated[AwareDatetime, Written] | None = None
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 50


class PlanPost(Shape):
    """A post to be."""

    pictures: Annotated[list[Annotated[Text, Field(max_length=64)]], Field(max_length=100)]
    caption: Caption = ""
    #: May be left out where one is configured.
    account: Number | None = None
    story: bool = False
    ai_generated: bool = False
    #: With an offset that moment, without one by the account's clock; left out for now.
    at: Annotated[datetime, Written] | None = None
    within_hours: Annotated[float, Field(gt=0, le=MOST_HOURS)] = 24.0
    #: A name of the occasion: of one name there is one post, however often it is asked for.
    key: Annotated[Text, Field(max_length=255)] = ""


class PlannedShape(Shape):
    """The post, and whether it was planned by this request."""

    post: PostShape
    added: bool


class Approve(Shape):
    """Other words than the draft's, which go out as they are; and whether at once."""

    caption: Caption | None = None
    at_once: bool = False


class Reject(Shape):
    """What is wrong with a draft; recorded."""

    why: Annotated[Text, Field(max_length=500)] = ""


class DraftsQuery(Shape):
    """Drafts that wait for a yes."""

    account: Number | None = None
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 50
