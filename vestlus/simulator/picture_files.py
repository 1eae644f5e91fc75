"""What can be learnt from the bytes of a picture."""

import io

from PIL import Image, UnidentifiedImageError

# EXIF 2.3, "ImageDescription".
EXIF_DESCRIPTION = 0x010E
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def picture_size(body: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels, or None if this is no picture that can be read.

    Reads the beginning only, so a bomb does no harm.
    """
    try:
        with Image.open(io.BytesIO(body)) as image:
            return image.size
    except UNREADABLE:
        return None


def embedded_description(body: bytes) -> str | None:
    """Return what the file itself says it shows (PNG `Description`, EXIF), if it says so."""
    try:
        with Image.open(io.BytesIO(body)) as image:
            found = image.info.get("Description") or image.getexif().get(EXIF_DESCRIPTION)
    except UNREADABLE:
        return None
    return str(found).strip()[:1000] or None if found else None
