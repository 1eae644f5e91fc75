"""The form that Instagram wants of pictures in posts: 4:5 to 1.91:1, 320 to 1440 wide.

Source: Meta's "IG User Media" reference, "Image Specifications".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image

from image_bank.errors import PictureRefused

#: What is done with a picture that is too wide or too high: borders are added, or the edges of
#: its longer side are cut off.
Fit = Literal["pad", "crop"]

MIN_WIDTH: Final = 320
MAX_WIDTH: Final = 1440
_WHITE: Final = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a picture becomes one for posts: put on a canvas, or cut, and then scaled. Pixels."""

    #: The picture's middle of this size is kept where it is smaller than the picture; borders
    #: fill it where it is larger.
    frame: tuple[int, int]
    size: tuple[int, int]


def ratio_fits(width: int, height: int) -> bool:
    """Whether Instagram takes a picture of these proportions."""
    return 5 * width >= 4 * height and 100 * width <= 191 * height


def geometry_for_post(width: int, height: int, fit: Fit | None) -> Geometry:
    """How a picture of this size becomes one that fits.

    Raises PictureRefused where it does not fit and nobody said how to make it, and where it
    would have to be enlarged.
    """
    frame = (width, height)
    if not ratio_fits(width, height):
        if fit is None:
            raise PictureRefused(
                f"has proportions that Instagram does not post ({width} x {height}; from 4:5 to "
                '1.91:1): say post = "pad" or "crop", or in_posts = false',
                "proportions",
            )
        frame = _framed(width, height, fit)
    if frame[0] < MIN_WIDTH:
        raise PictureRefused(
            f"is {frame[0]} pixels wide as a post, and Instagram wants {MIN_WIDTH}: "
            "take a larger one, or say in_posts = false",
            "too_narrow",
        )
    return Geometry(frame, _scaled(*frame))


def fit_for_post(image: Image.Image, fit: Fit | None) -> Image.Image:
    """The picture as Instagram posts it; ``image`` is RGB. Raises PictureRefused."""
    geometry = geometry_for_post(image.width, image.height, fit)
    width, height = geometry.frame
    if width >= image.width and height >= image.height:
        return _on_canvas(image, geometry)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return _resized(image.crop((left, top, left + width, top + height)), geometry.size)


def _on_canvas(image: Image.Image, geometry: Geometry) -> Image.Image:
    """The whole picture, scaled, in the middle of white where the frame is larger."""
    # Scaled first: the frame of a long strip has eight times its pixels.
    share = share_of(image.size, geometry)
    scaled = _resized(image, share)
    if share == geometry.size:
        return scaled
    canvas = Image.new("RGB", geometry.size, _WHITE)
    canvas.paste(scaled, ((canvas.width - scaled.width) // 2, (canvas.height - scaled.height) // 2))
    return canvas


def share_of(size: tuple[int, int], geometry: Geometry) -> tuple[int, int]:
    """What is left of a picture of this size when its frame is scaled."""
    (width, height), (to_width, to_height) = geometry.frame, geometry.size
    return round(size[0] * to_width / width), round(size[1] * to_height / height)


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def _framed(width: int, height: int, fit: Fit) -> tuple[int, int]:
    too_high = 5 * width < 4 * height
    if fit == "pad":
        return (_up(4 * height, 5), height) if too_high else (width, _up(100 * width, 191))
    return (width, 5 * width // 4) if too_high else (191 * height // 100, height)


def _scaled(width: int, height: int) -> tuple[int, int]:
    """Not wider than Instagram takes. Rounding does not leave the permitted proportions."""
    if width <= MAX_WIDTH:
        return width, height
    scaled = round(height * MAX_WIDTH / width)
    return MAX_WIDTH, min(max(scaled, _up(100 * MAX_WIDTH, 191)), 5 * MAX_WIDTH // 4)


def _up(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
