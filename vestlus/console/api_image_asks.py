"""What is asked of ``/api/v1/images``: the models of queries and bodies."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from image_bank.standing import Standing
from vestlus.console.api_shapes import PictureShape
from vestlus.console.operations import Shape

#: Pictures of one answer.
_MOST: Final = 200


class ListImages(Shape):
    """Which pictures."""

    account: Annotated[str | None, Field(max_length=32)] = None
    tag: Annotated[str | None, Field(max_length=200)] = None
    use: Literal["dms", "posts"] | None = None
    standing: Standing | None = None
    after: Annotated[str | None, Field(max_length=64)] = None
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 50


class Said(Shape):
    """What is said of a picture. See ``docs/image-bank.md``; tags and accounts with commas."""

    shows: str
    alt: str = ""
    tags: str = ""
    language: str = ""
    rights: str = ""
    ai_generated: bool = False
    in_dms: bool = True
    in_posts: bool = True
    valid_from: str | None = None
    valid_until: str | None = None
    accounts: str = ""
    #: What is done with proportions that Instagram does not post.
    post: Literal["pad", "crop"] | None = None


class AddImage(Said):
    """The same, for a file that is sent. ``replace``: in the place of the one of this id."""

    replace: bool = False


class DescribeImage(Said):
    """The same, for a picture of the bank. ``edition``: what you saw; another one is refused."""

    edition: Annotated[str | None, Field(max_length=64)] = None


class DescribedShape(PictureShape):
    """A picture, and its edition, which differs after every change."""

    edition: str


class Version(Shape):
    """Which file: for direct messages, or for posts."""

    use: Literal["dms", "posts"] = "dms"
