"""Checks a file that is to become a picture of the bank, and makes one form of all kinds.

What comes out is upright, opaque, sRGB, without EXIF, profiles and comments, at most 2048 pixels
long, PNG or JPEG of at most 8 MB: what the Send API takes ("Send Messages", image). The same
file gives the same bytes, with the same Pillow.
"""

from __future__ import annotations

import asyncio
import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from image_bank.errors import PictureRefused
from image_bank.posts import Fit, fit_for_post
from image_bank.storage import file_name

#: A change of what comes out of here changes this, so that pictures are made anew.
TREATMENT: Final = 2

#: Bytes. Cameras write less; what is larger is a mistake or an attack.
MAX_INPUT_BYTES: Final = 32_000_000
#: Telephones take up to 50 million. 64 million pixels are 256 MB in memory, at 4 bytes each; a
#: compressed file of a few kB can hold many more.
MAX_PIXELS: Final = 64_000_000
#: How much of a picture is converted at a time: 4 MB, of which the steps need a few copies.
_BAND_PIXELS: Final = 1_000_000
MIN_SIDE: Final = 64
MAX_RATIO: Final = 10
#: Twice what telephones show.
MAX_SIDE: Final = 2048
#: Meta says 8 MB and means one of two numbers: this is the smaller one.
MAX_OUTPUT_BYTES: Final = 8_000_000

_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF")
#: Drawings stay sharp in PNG; photographs are JPEG, and so is WebP, which mostly holds them.
_LOSSLESS: Final = frozenset({"PNG", "GIF"})
_QUALITIES: Final = (90, 80, 70)
_WHITE: Final = (255, 255, 255)

#: What Pillow raises for files that are broken in one way or another.
_BROKEN: Final = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, OverflowError),
    *(ArithmeticError, struct.error, zlib.error),
)


_ONE_AT_A_TIME: Final = ThreadPoolExecutor(1, thread_name_prefix="checking-pictures")


@dataclass(frozen=True, slots=True)
class Rendition:
    """A file for the storage. ``width`` and ``height`` are in pixels."""

    name: str
    data: bytes
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a file: the picture for messages, and the one for posts if it was asked."""

    picture: Rendition
    post: Rendition | None


async def check_picture(data: bytes, *, for_posts: bool, fit: Fit | None) -> Checked:
    """See :func:`normalise`; in a thread, because it takes up to a second. One at a time in a
    process, because each takes two copies of its pixels at most, some 600 MB (four and 1.1 GB in
    WebP, whose decoder keeps two itself).
    """
    work = partial(normalise, data, for_posts=for_posts, fit=fit)
    return await asyncio.get_running_loop().run_in_executor(_ONE_AT_A_TIME, work)


def normalise(data: bytes, *, for_posts: bool, fit: Fit | None) -> Checked:
    """Makes the renditions of a file. Raises PictureRefused, which says what is wrong with it."""
    if not data:
        raise PictureRefused("is empty", "empty")
    if len(data) > MAX_INPUT_BYTES:
        words = f"is larger than {MAX_INPUT_BYTES // 1_000_000} MB"
        raise PictureRefused(words, "too_many_bytes")
    image, lossless = _opened(data)
    rendition = _rendition(_not_longer(image), lossless=lossless)
    if not for_posts:
        return Checked(rendition, None)
    posted = fit_for_post(image, fit)
    if rendition.media_type == "image/jpeg" and posted is image:
        return Checked(rendition, rendition)
    return Checked(rendition, _rendition(posted, lossless=False))


def post_of(data: bytes, fit: Fit | None) -> Rendition:
    """The form for posts of a file that :func:`normalise` made. Raises PictureRefused."""
    image, _ = _opened(data)
    return _rendition(fit_for_post(image, fit), lossless=False)


def _opened(data: bytes) -> tuple[Image.Image, bool]:
    """The picture itself, RGB and upright, and whether it was kept without loss."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check_size(*image.size)  # known from the header: nothing is unpacked yet
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return _plain(image), image.format in _LOSSLESS
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefused(_TOO_LARGE, "too_many_pixels") from error
    except UnidentifiedImageError as error:
        raise PictureRefused(
            "is no picture that can be read: PNG, JPEG, WebP or GIF, whatever its name ends in",
            "no_picture",
        ) from error
    except ImageCms.PyCMSError as error:
        raise PictureRefused(
            "has a colour profile that cannot be read: save it again as sRGB", "colour_profile"
        ) from error
    except _BROKEN as error:
        raise PictureRefused("is damaged or truncated", "damaged") from error


_TOO_LARGE: Final = f"has more than {MAX_PIXELS // 1_000_000} million pixels"


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PictureRefused(_TOO_LARGE, "too_many_pixels")
    if min(width, height) < MIN_SIDE:
        raise PictureRefused(
            f"is too small: {width} x {height} pixels, and either side needs {MIN_SIDE}",
            "too_small",
        )
    if max(width, height) > MAX_RATIO * min(width, height):
        raise PictureRefused(
            f"is a strip: {width} x {height} pixels, more than {MAX_RATIO} times as long as wide",
            "strip",
        )


def _plain(image: Image.Image) -> Image.Image:
    """RGB, opaque, by the image's profile, without any of the file's other information.

    Made a band at a time: each step needs a copy or two, and those of the whole would be six.
    """
    plain = Image.new("RGB", image.size, _WHITE)
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        plain.paste(_srgb(_opaque(band)), (0, top))
    return plain


def _opaque(image: Image.Image) -> Image.Image:
    """On white: a transparent picture would be seen on whatever a telephone puts behind it."""
    if not image.has_transparency_data:
        return image.convert("RGB") if image.mode in ("P", "PA") else image
    colours = image.convert("RGBA")
    background = Image.new("RGBA", image.size, (*_WHITE, 255))
    opaque = Image.alpha_composite(background, colours).convert("RGB")
    opaque.info = image.info  # the profile is still needed
    return opaque


def _srgb(image: Image.Image) -> Image.Image:
    """RGB by the image's profile."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would cut off at 255
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    return _by_profile(image, profile) if profile else image.convert("RGB")


#: The colour space of a profile → the mode that its pictures have.
_MODES: Final = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except OSError as error:
        raise ImageCms.PyCMSError(error) from error
    mode = _MODES.get(source.profile.xcolor_space)
    if mode is None or (mode == "CMYK" and image.mode != "CMYK"):
        raise ImageCms.PyCMSError(source.profile.xcolor_space)
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    converted = ImageCms.profileToProfile(image.convert(mode), source, target, outputMode="RGB")
    if converted is None:  # only where it is asked to work in place
        raise ImageCms.PyCMSError("no result")
    return converted


def _not_longer(image: Image.Image) -> Image.Image:
    longest = max(image.size)
    if longest <= MAX_SIDE:
        return image
    size = (round(image.width * MAX_SIDE / longest), round(image.height * MAX_SIDE / longest))
    return image.resize(size, Image.Resampling.LANCZOS)


def _rendition(image: Image.Image, *, lossless: bool) -> Rendition:
    media_type, data = _encoded(image, lossless=lossless)
    name = file_name(data, media_type)
    return Rendition(name, data, media_type, image.width, image.height)


def _encoded(image: Image.Image, *, lossless: bool) -> tuple[str, bytes]:
    if lossless:
        data = _saved(image, "PNG", optimize=True)
        if len(data) <= MAX_OUTPUT_BYTES:
            return "image/png", data
    for quality in _QUALITIES:
        # Full colour resolution: the edges of drawings and letters stay clean. Not optimised:
        # that needs the whole file in one buffer, which Pillow makes too small for noise.
        data = _saved(image, "JPEG", quality=quality, subsampling=0)
        if len(data) <= MAX_OUTPUT_BYTES:
            return "image/jpeg", data
    words = f"is larger than {MAX_OUTPUT_BYTES // 1_000_000} MB in any form"
    raise PictureRefused(words, "too_detailed")


def _saved(image: Image.Image, form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()
