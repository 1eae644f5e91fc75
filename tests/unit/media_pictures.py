"""Pictures for the tests of users' pictures: made, encoded, and looked at again."""

from __future__ import annotations

import io

from PIL import Image

from vestlus.instagram.media import Unusable


def encoded(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def picture(width: int = 30, height: int = 20, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (width, height), "red")


def opened(jpeg: bytes | Unusable) -> Image.Image:
    assert isinstance(jpeg, bytes)
    found = Image.open(io.BytesIO(jpeg))
    assert found.format == "JPEG"
    assert found.mode == "RGB"
    return found
