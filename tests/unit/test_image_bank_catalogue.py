"""What may be done with a picture, what may be said of one, and how an entry is kept."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_bank.catalogue import ID_PATTERN, Picture, Source, decode, encode, may_post, may_send
from image_bank.description import Description, describe
from image_bank.errors import CatalogueRefused, PictureRefused, StorageUnavailable
from vestlus.keys import derived_key

TODAY = date(2026, 11, 22)
FILE = f"{'a' * 64}.png"
POST = f"{'b' * 64}.jpg"
PICTURE = Picture(
    id="opening-hours",
    file=FILE,
    media_type="image/png",
    size=1,
    width=1080,
    height=1080,
    shows="When we are open",
    post_file=POST,
)

words = st.text(max_size=12)
days = st.dates(date(2020, 1, 1), date(2035, 1, 1))
pictures = st.builds(
    Picture,
    id=st.from_regex(ID_PATTERN, fullmatch=True),
    file=st.just(FILE),
    media_type=st.just("image/png"),
    size=st.integers(1, 8_000_000),
    width=st.integers(64, 2048),
    height=st.integers(64, 2048),
    shows=words,
    alt=words,
    tags=st.lists(words, max_size=3).map(tuple),
    language=st.sampled_from(["", "et", "zh-Hant"]),
    rights=words,
    ai_generated=st.booleans(),
    in_dms=st.booleans(),
    in_posts=st.booleans(),
    valid_from=st.none() | days,
    valid_until=st.none() | days,
    accounts=st.lists(st.sampled_from(["1", "2", "3"]), max_size=2).map(tuple),
    post_file=st.none() | st.just(POST),
    source=st.sampled_from(Source),
    added_ms=st.integers(0, 2**53),
    origin=words,
)


@given(pictures)
def test_an_entry_is_read_as_it_was_written(picture: Picture) -> None:
    entry = encode(picture)
    assert decode(entry) == picture
    assert encode(decode(entry)) == entry


@given(pictures, days, st.sampled_from(["1", "2", "3"]))
def test_only_what_is_allowed_everywhere_may_be_used(
    picture: Picture, today: date, account: str
) -> None:
    in_time = (picture.valid_from or today) <= today <= (picture.valid_until or today)
    usable = in_time and account in (picture.accounts or (account,))
    assert may_send(picture, account, today) == (usable and picture.in_dms)
    assert may_post(picture, account, today) == (
        usable and picture.in_posts and picture.post_file is not None
    )


def test_the_first_and_the_last_day_belong_to_the_time_of_use() -> None:
    limited = replace(PICTURE, valid_from=TODAY, valid_until=TODAY + timedelta(days=2))
    allowed = [
        may_send(limited, "1", TODAY + timedelta(days=offset)) for offset in (-1, 0, 1, 2, 3)
    ]
    assert allowed == [False, True, True, True, False]


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"version": 1}',
        json.dumps({**json.loads(encode(PICTURE)), "version": 2}),
        json.dumps({**json.loads(encode(PICTURE)), "width": "wide"}),
        json.dumps({**json.loads(encode(PICTURE)), "source": "elsewhere"}),
    ],
)
def test_an_entry_of_another_form_is_refused(entry: str) -> None:
    with pytest.raises(CatalogueRefused):
        decode(entry)


@given(st.text())
def test_no_text_makes_reading_an_entry_fail_in_another_way(entry: str) -> None:
    with pytest.raises(CatalogueRefused):
        decode(entry)


def test_everything_that_is_wrong_with_a_description_is_said_at_once() -> None:
    values: dict[str, Any] = {
        "alt": "x" * 1001,
        "tags": [""],
        "language": "Estonian!",
        "in_dms": "yes",
        "valid_from": "soon",
        "accounts": ["@library"],
        "post": "stretch",
        "colour": "red",
    }
    with pytest.raises(CatalogueRefused) as refused:
        describe("map", values)
    assert refused.value.problems == (
        "map: shows: is missing",
        "map: alt: is longer than 1000 characters",
        "map: tags: has nothing but blanks and commas",
        "map: language: must be a BCP 47 tag such as et, en-GB or zh-Hant",
        "map: in_dms: must be true or false",
        "map: valid_from: must be a day such as 2026-12-31",
        "map: accounts.0: must be 1 to 32 digits: the account's user_id",
        "map: post: must be one of 'pad' or 'crop'",
        "map: colour: is not a key of a picture",
    )


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"shows": "  "}, "map: shows: must not be blank"),
        ({"shows": "x" * 501}, "map: shows: is longer than 500 characters"),
        ({"shows": 1}, "map: shows: must be text in quotes"),
        ({"tags": 1}, "map: tags: must be text in quotes, or a list of such"),
        ({"valid_from": date(2026, 2, 1), "valid_until": date(2026, 1, 1)}, "is before valid_from"),
        ({"in_dms": False, "in_posts": False}, "one of them must be true"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(CatalogueRefused) as refused:
        describe("map", {"shows": "A map", **values})
    assert len(refused.value.problems) == 1
    assert problem in refused.value.problems[0]


def test_lists_may_be_written_with_commas_too() -> None:
    written = describe("map", {"shows": "A map", "tags": "map, where ,", "accounts": "1,22"})
    assert written == Description(shows="A map", tags=("map", "where"), accounts=("1", "22"))
    assert describe("map", {"shows": "A map", "tags": ""}).tags == ()


@pytest.mark.parametrize(
    "error",
    [PictureRefused("is empty"), CatalogueRefused(("a: b", "c: d")), StorageUnavailable("away")],
)
def test_the_banks_errors_cross_process_borders(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(copy), str(copy)) == (type(error), str(error))


def test_keys_are_derived_as_rfc_5869_says() -> None:
    # Its third test case: SHA-256, neither salt nor info.
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert derived_key("\x0b" * 22, "").hex() == expected


def test_each_purpose_and_each_secret_has_a_key_of_its_own() -> None:
    keys = {derived_key(secret, purpose) for secret in ("s", "t") for purpose in ("a", "b")}
    assert len(keys) == 4
