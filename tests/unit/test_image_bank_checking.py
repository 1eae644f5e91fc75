"""What may become a picture of the bank, and what is made of it."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw

from image_bank import checking
from image_bank.checking import MAX_OUTPUT_BYTES, Checked, normalise
from image_bank.errors import PictureRefused
from image_bank.posts import Fit, fit_for_post, geometry_for_post, ratio_fits, share_of
from image_bank.storage import is_intact
from tests.fakes.bank import picture_file

KINDS = ["PNG", "JPEG", "WEBP", "GIF"]


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def checked(data: bytes, fit: Fit | None = None) -> Checked:
    return normalise(data, for_posts=True, fit=fit)


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))  # noqa: S311


def drawing() -> Image.Image:
    """A red picture with a green corner at the top left."""
    image = Image.new("RGB", (400, 320), (220, 20, 20))
    ImageDraw.Draw(image).rectangle((0, 0, 99, 99), fill=(20, 200, 20))
    return image


def close(one: tuple[int, ...], other: tuple[int, ...], by: int = 12) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def pixel(image: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    found = image.getpixel(at)
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("form", KINDS)
def test_every_kind_becomes_one_that_messages_take(form: str) -> None:
    result = checked(saved(drawing(), form))

    kinds = {"PNG": "image/png", "GIF": "image/png", "JPEG": "image/jpeg", "WEBP": "image/jpeg"}
    assert result.picture.media_type == kinds[form]
    for rendition in (result.picture, result.post):
        assert rendition is not None
        image = opened(rendition.data)
        assert Image.MIME[image.format or ""] == rendition.media_type
        assert (image.mode, image.size) == ("RGB", (400, 320))
        assert (rendition.width, rendition.height) == image.size
        assert is_intact(rendition.name, rendition.data)
        assert close(pixel(image, (50, 50)), (20, 200, 20))
        assert close(pixel(image, (300, 200)), (220, 20, 20))
    assert result.post is not None
    assert result.post.media_type == "image/jpeg"


@pytest.mark.parametrize("form", KINDS)
def test_the_same_file_gives_the_same_bytes(form: str) -> None:
    data = saved(drawing(), form)
    assert checked(data) == checked(data)


def test_what_was_made_of_a_drawing_is_not_changed_by_being_added_again() -> None:
    once = checked(saved(drawing(), "GIF"))
    assert checked(once.picture.data).picture == once.picture


def test_a_photograph_that_fits_is_kept_once_for_messages_and_posts() -> None:
    result = checked(saved(drawing(), "JPEG"))
    assert result.post == result.picture


def test_a_picture_that_is_not_for_posts_needs_no_form_for_them() -> None:
    wide = picture_file(900, 100)
    assert normalise(wide, for_posts=False, fit=None).post is None


def test_the_turn_of_a_camera_is_applied_and_everything_it_wrote_is_gone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    exif[0x010F] = "A camera's maker"
    exif.get_ifd(0x8825)[1] = "N"  # where it was taken
    source = saved(drawing(), "JPEG", exif=exif, comment=b"a note", dpi=(300, 300), quality=95)

    image = opened(checked(source).picture.data)

    assert image.size == (320, 400)
    assert close(pixel(image, (300, 20)), (20, 200, 20))  # the corner is at the top right now
    assert dict(image.getexif()) == {}
    assert not {"exif", "comment", "icc_profile", "xmp"} & image.info.keys()
    for secret in (b"A camera's maker", b"a note", b"Exif"):
        assert secret not in checked(source).picture.data


def test_texts_in_a_png_are_gone() -> None:
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415 - one test's

    texts = PngInfo()
    texts.add_text("Author", "somebody's name", zip=False)
    data = checked(saved(drawing(), "PNG", pnginfo=texts)).picture.data
    assert b"somebody" not in data


def swapping_profile() -> bytes:
    """Return a profile in which the first channel means green and the second means red."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    entries = {}
    for n in range(int.from_bytes(profile[128:132], "big")):
        at = 132 + 12 * n
        entries[bytes(profile[at : at + 4])] = at
    red, green = entries[b"rXYZ"] + 4, entries[b"gXYZ"] + 4
    profile[red : red + 8], profile[green : green + 8] = (
        profile[green : green + 8],
        profile[red : red + 8],
    )
    return bytes(profile)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_colours_are_converted_by_the_files_profile(form: str) -> None:
    image = opened(checked(saved(drawing(), form, icc_profile=swapping_profile())).picture.data)
    red, green, _ = pixel(image, (300, 200))  # (220, 20, 20) by a profile that swaps both
    assert green > 180
    assert red < 120
    assert "icc_profile" not in image.info


def test_a_grey_picture_with_a_colour_profile_stays_grey() -> None:
    grey = Image.new("L", (100, 100), 100)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = opened(checked_dm(saved(grey, "PNG", icc_profile=srgb)))
    assert close(pixel(image, (5, 5)), (100, 100, 100), by=2)


def checked_dm(data: bytes) -> bytes:
    return normalise(data, for_posts=False, fit=None).picture.data


@pytest.mark.parametrize("profile", [b"no profile at all", b"\x00" * 200])
def test_a_profile_that_cannot_be_read_is_said(profile: bytes) -> None:
    with pytest.raises(PictureRefused, match="colour profile"):
        checked(saved(drawing(), "PNG", icc_profile=profile))


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK"])
def test_other_colour_modes_become_rgb(mode: str) -> None:
    form = "JPEG" if mode == "CMYK" else "PNG"
    image = opened(checked(picture_file(form=form, colour="white", mode=mode)).picture.data)
    assert image.mode == "RGB"
    assert close(pixel(image, (9, 9)), (255, 255, 255), by=2)


def test_sixteen_bits_of_grey_keep_their_brightness() -> None:
    image = Image.new("I;16", (100, 100), 32896)
    assert close(pixel(opened(checked_dm(saved(image, "PNG"))), (5, 5)), (128, 128, 128), by=1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_become_white(mode: str) -> None:
    image = Image.new("RGBA", (400, 320), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((200, 0, 399, 319), fill=(0, 0, 0, 255))
    if mode == "P":
        data = saved(image.quantize(4), "GIF", transparency=image.quantize(4).getpixel((0, 0)))
    else:
        data = saved(image.convert(mode), "PNG")
    result = opened(checked(data).picture.data)
    assert result.mode == "RGB"
    assert pixel(result, (50, 100)) == (255, 255, 255)
    assert pixel(result, (300, 100)) == (0, 0, 0)


def test_of_a_moving_picture_the_first_is_taken() -> None:
    frames = [Image.new("RGB", (100, 100), colour) for colour in ("red", "blue")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixel(opened(checked_dm(data)), (5, 5)) == (255, 0, 0)


def test_a_telephones_file_of_several_pictures_is_taken() -> None:
    data = saved(drawing(), "MPO", save_all=True, append_images=[drawing()])
    assert opened(checked(data).picture.data).size == (400, 320)


def test_large_pictures_are_made_smaller() -> None:
    result = checked(picture_file(4000, 3000))
    assert (result.picture.width, result.picture.height) == (2048, 1536)
    assert result.post is not None
    assert (result.post.width, result.post.height) == (1440, 1080)


def test_a_drawing_that_would_be_too_many_bytes_becomes_a_photograph() -> None:
    result = normalise(saved(noise(2048, 2048), "PNG"), for_posts=True, fit=None)
    assert result.picture.media_type == "image/jpeg"
    assert len(result.picture.data) <= MAX_OUTPUT_BYTES
    assert result.post is not None
    assert len(result.post.data) <= MAX_OUTPUT_BYTES


def test_what_stays_too_large_in_every_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "MAX_OUTPUT_BYTES", 1000)
    with pytest.raises(PictureRefused, match="in any form"):
        checked(saved(noise(400, 400), "PNG"))


def test_the_content_counts_and_not_what_a_file_is_called() -> None:
    with pytest.raises(PictureRefused, match="PNG, JPEG, WebP or GIF"):
        checked(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    with pytest.raises(PictureRefused, match="PNG, JPEG, WebP or GIF"):
        checked(saved(drawing(), "BMP"))
    with pytest.raises(PictureRefused, match="is empty"):
        checked(b"")


def huge_png(width: int, height: int) -> bytes:
    """Return a few bytes that say that they are a picture of that size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\x00")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(8001, 8001), (10_000, 10_000), (30_000, 30_000), (2**31 - 1, 1)])
def test_decompression_bombs_are_refused_before_they_are_unpacked(size: tuple[int, int]) -> None:
    with pytest.raises(PictureRefused, match="million pixels"):
        checked(huge_png(*size))


def test_a_bomb_in_the_texts_of_a_png_is_refused() -> None:
    packed = b"note\x00\x00" + zlib.compress(b"\x00" * 80_000_000, 9)
    chunk = struct.pack(">I", len(packed)) + b"zTXt" + packed
    chunk += struct.pack(">I", zlib.crc32(b"zTXt" + packed))
    whole = picture_file()
    with pytest.raises(PictureRefused, match="damaged"):
        checked(whole[:33] + chunk + whole[33:])


def test_files_of_too_many_bytes_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "MAX_INPUT_BYTES", 100)
    with pytest.raises(PictureRefused, match="is larger than"):
        checked(picture_file())


@pytest.mark.parametrize(
    ("size", "problem"),
    [((63, 400), "too small"), ((400, 20), "too small"), ((2000, 150), "strip")],
)
def test_pictures_that_nobody_could_see_are_refused(size: tuple[int, int], problem: str) -> None:
    with pytest.raises(PictureRefused, match=problem):
        checked(picture_file(*size))


@pytest.mark.parametrize("form", KINDS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(form: str, part: float) -> None:
    data = saved(noise(300, 300), form)
    with pytest.raises(PictureRefused, match=r"damaged or truncated|can be read"):
        checked(data[: int(len(data) * part)])


WHOLE = [saved(drawing().resize((120, 96)), form) for form in KINDS]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12),
    st.floats(0, 1),
)
def test_no_damage_has_another_outcome_than_a_picture_or_a_refusal(
    whole: bytes, changes: list[tuple[float, int]], part: float
) -> None:
    data = bytearray(whole[: max(1, round(len(whole) * part))])
    for place, value in changes:
        data[int(place * len(data))] = value
    try:
        rendition = normalise(bytes(data), for_posts=False, fit=None).picture
    except PictureRefused as refused:
        assert str(refused)  # noqa: PT017 - either outcome is right
    else:
        assert hashlib.sha256(rendition.data).hexdigest() in rendition.name


sides = st.integers(320, 6000)


@given(sides, sides, st.sampled_from(["pad", "crop"]))
def test_every_post_is_of_a_size_and_of_proportions_that_instagram_takes(
    width: int, height: int, fit: Fit
) -> None:
    try:
        geometry = geometry_for_post(width, height, fit)
    except PictureRefused:
        assert fit == "crop"  # cutting can leave too little; borders cannot
        assert 191 * height < 320 * 100
        return
    assert ratio_fits(*geometry.size)
    assert 320 <= geometry.size[0] <= 1440
    assert geometry.size[0] <= geometry.frame[0]
    assert geometry.size[1] <= geometry.frame[1]
    if fit == "pad":
        assert geometry.frame[0] >= width
        assert geometry.frame[1] >= height
        assert width in geometry.frame or height in geometry.frame
    else:
        assert geometry.frame[0] <= width
        assert geometry.frame[1] <= height
    if ratio_fits(width, height):
        assert geometry.frame == (width, height)


@given(sides, sides)
def test_without_a_word_nothing_is_cut_and_no_border_is_added(width: int, height: int) -> None:
    if ratio_fits(width, height):
        assert geometry_for_post(width, height, None).frame == (width, height)
    else:
        with pytest.raises(PictureRefused, match='say post = "pad" or "crop"'):
            geometry_for_post(width, height, None)


@pytest.mark.parametrize("size", [(1000, 400), (400, 1000)])
def test_padding_keeps_all_of_it_in_the_middle_of_white(size: tuple[int, int]) -> None:
    posted = fit_for_post(Image.new("RGB", size, "black"), "pad")
    assert pixel(posted, (posted.width // 2, posted.height // 2)) == (0, 0, 0)
    corners = [(0, 0), (posted.width - 1, 0), (0, posted.height - 1)]
    assert {pixel(posted, corner) for corner in corners} == {(255, 255, 255)}
    black = sum(count for count, colour in posted.getcolors() or [] if colour == (0, 0, 0))
    assert black == 400_000


@pytest.mark.parametrize(
    ("size", "posted_as", "share"),
    [((2000, 6000), (1440, 1800), (600, 1800)), ((6000, 1500), (1440, 754), (1440, 360))],
)
def test_a_large_picture_that_is_padded_keeps_its_proportions(
    size: tuple[int, int], posted_as: tuple[int, int], share: tuple[int, int]
) -> None:
    posted = fit_for_post(Image.new("RGB", size, "black"), "pad")
    assert posted.size == posted_as
    left, top = (posted_as[0] - share[0]) // 2, (posted_as[1] - share[1]) // 2
    inverted = posted.convert("L").point(lambda value: 255 - value)
    assert inverted.getbbox() == (left, top, left + share[0], top + share[1])
    assert {colour for _, colour in posted.getcolors() or []} == {(0, 0, 0), (255, 255, 255)}


@given(sides, sides)
def test_whatever_is_padded_nothing_larger_than_it_or_the_post_is_made(
    width: int, height: int
) -> None:
    try:
        geometry = geometry_for_post(width, height, "pad")
    except PictureRefused:
        return
    (share_width, share_height), (wide, high) = share_of((width, height), geometry), geometry.size
    assert 1 <= share_width <= min(width, wide)
    assert 1 <= share_height <= min(height, high)
    assert share_width == wide or share_height == high


@pytest.mark.parametrize("size", [(1000, 400), (400, 1000)])
def test_cropping_keeps_the_middle(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, "black")
    image.putpixel((size[0] // 2, size[1] // 2), (255, 0, 0))
    posted = fit_for_post(image, "crop")
    assert {colour for _, colour in posted.getcolors() or []} == {(0, 0, 0), (255, 0, 0)}
    assert pixel(posted, (posted.width // 2, posted.height // 2)) == (255, 0, 0)


def test_a_small_picture_is_no_post() -> None:
    with pytest.raises(PictureRefused, match="200 pixels wide as a post"):
        checked(picture_file(200, 200))
