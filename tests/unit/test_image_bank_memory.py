"""What checking a picture takes in memory, whatever the file is like."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from image_bank import checking
from image_bank.checking import normalise

STATUS = Path("/proc/self/status")
LONG, WIDE, SQUARE = (1_600, 16_000), (16_000, 1_600), (5_000, 5_000)

#: Checks the picture that it is given, and says what that took at most, in MB.
MEASURE = """
import sys
from pathlib import Path
from image_bank.checking import normalise

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))

data, fit = sys.stdin.buffer.read(), sys.argv[1]
before = peak()
normalise(data, for_posts=fit != "none", fit=None if fit == "none" else fit)
print(peak() - before)
"""


def picture(mode: str, size: tuple[int, int], form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, form, **options)
    return buffer.getvalue()


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells it")
@pytest.mark.parametrize(
    ("mode", "size", "fit"),
    [
        ("1", LONG, "pad"),
        ("1", WIDE, "pad"),
        ("1", LONG, "crop"),
        ("RGBA", SQUARE, "none"),
        ("RGBA", WIDE, "pad"),
        ("LA", SQUARE, "none"),
    ],
)
def test_a_picture_takes_two_copies_of_it_however_it_is_made_fit(
    mode: str, size: tuple[int, int], fit: str
) -> None:
    options = {"icc_profile": srgb()} if mode == "RGBA" else {}
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, fit],
        input=picture(mode, size, "PNG", **options),
        capture_output=True,
        check=True,
    )
    copy = size[0] * size[1] * 4 / 1_000_000
    assert float(told.stdout) < 2 * copy + 60


@pytest.mark.parametrize(
    ("mode", "form"),
    [("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("I;16", "PNG"), ("CMYK", "JPEG"), ("P", "GIF")],
)
@pytest.mark.parametrize("with_profile", [True, False])
def test_a_picture_that_is_converted_in_bands_is_the_same_as_in_one(
    mode: str, form: str, monkeypatch: pytest.MonkeyPatch, *, with_profile: bool
) -> None:
    plain = Image.radial_gradient("L").resize((400, 430))
    alpha = Image.linear_gradient("L").resize(plain.size)
    colours = Image.merge(
        "RGBA", (plain, alpha, plain.transpose(Image.Transpose.ROTATE_180), alpha)
    )
    match mode:
        case "RGBA":
            image = colours
        case "I;16":
            image = plain.convert("I").point(lambda value: value * 257).convert("I;16")
        case "CMYK":
            image = colours.convert("RGB").convert("CMYK")
        case _:
            image = colours.convert("RGB").convert("P") if mode == "P" else colours.convert(mode)
    options: dict[str, object] = {"transparency": 3} if mode == "P" else {}
    if with_profile and mode in ("RGBA", "P"):
        options["icc_profile"] = srgb()
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    whole = normalise(buffer.getvalue(), for_posts=True, fit="pad")
    monkeypatch.setattr(checking, "_BAND_PIXELS", 7 * 400)
    assert normalise(buffer.getvalue(), for_posts=True, fit="pad") == whole
