"""Data of events: what is read, what is refused, and that nothing else can happen."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestlus.planning.payloads import DEEPEST, LARGEST, MOST_VALUES, parse_payload

NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(alphabet='ab õ🙂"\\{[\x00\n', max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=5)


def nested(depth: int) -> bytes:
    """An object that holds lists within lists, ``depth`` deep in all."""
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def check_read_or_refused(body: bytes) -> None:
    """A body is an object that reads the same again, or refused with a sentence of ours."""
    try:
        data = parse_payload(body)
    except ValueError as error:
        said = str(error)
    else:
        assert isinstance(data.payload, dict)
        assert parse_payload(data.text.encode()) == data
        return
    assert said.startswith(("the body ", "a ", "objects ", "there ", "NaN", "Infinity", "-Inf"))


@settings(max_examples=60, deadline=None)
@given(value=OBJECTS, ascii_only=st.booleans(), indent=st.none() | st.integers(0, 2))
def test_every_object_within_bounds_is_read_as_it_is(
    value: dict[str, Any], *, ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    data = parse_payload(body)
    assert data.payload == value
    assert json.loads(data.text) == value


@settings(max_examples=40, deadline=None)
@given(value=OBJECTS)
def test_the_same_data_have_the_same_digest_however_they_are_written(
    value: dict[str, Any],
) -> None:
    backwards = dict(reversed(value.items()))
    first = parse_payload(json.dumps(value).encode())
    second = parse_payload(json.dumps(backwards, ensure_ascii=False, indent=1).encode())
    assert first.text == second.text
    assert first.digest("a") == second.digest("a") != first.digest("b")


@settings(max_examples=120, deadline=None)
@given(body=st.binary(max_size=60))
def test_bytes_do_no_harm(body: bytes) -> None:
    check_read_or_refused(body)


@settings(max_examples=120, deadline=None)
@given(text=st.text(alphabet='[]{}":,0129eE+-.\\u d8aNItrnfy', max_size=40))
def test_what_is_nearly_json_does_no_harm(text: str) -> None:
    check_read_or_refused(("{" + text + "}").encode())


def test_an_event_needs_no_data() -> None:
    assert parse_payload(b"") == parse_payload(b" { } ")


def test_other_data_have_another_digest() -> None:
    digests = {
        parse_payload(body).digest(name)
        for body in (b"{}", b'{"a":1}', b'{"a":1.0}', b'{"a":"1"}', b'{"a":null}', b'{"a":true}')
        for name in ("arrival", "departure")
    }
    assert len(digests) == 12


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "the body is not JSON: Expecting property name"),
        (b'{"a":1} {}', "the body is not JSON: Extra data, line 1, column 9"),
        (b"[]", "one JSON object"),
        (b"null", "one JSON object"),
        (b'"text"', "one JSON object"),
        (b'{"a":"\xff"}', "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8"),
        (b'\xef\xbb\xbf{"a":1}', "the body is not JSON"),
        (b'{"a":1,"a":2}', "stands twice"),
        (b'{"b":{"a":1,"\\u0061":2}}', "stands twice"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b'{"a":-Infinity}', "-Infinity is not JSON"),
        (b'{"a":1e999}', "a number is too large"),
        (b'{"a":' + b"9" * 19 + b"}", "larger than 64 bits"),
        (b'{"a":-' + b"9" * 5_000 + b"}", "larger than 64 bits"),
        (b'{"a":"\\ud800"}', "half a surrogate pair"),
        (b'{"\\udfff":1}', "half a surrogate pair"),
        (nested(DEEPEST + 1), f"more than {DEEPEST} deep"),
        (nested(30_000), f"more than {DEEPEST} deep"),
        (b"[" * 60_000, f"more than {DEEPEST} deep"),
        (b'{"a":' * 10_000, f"more than {DEEPEST} deep"),
        (json.dumps({"a": [0] * MOST_VALUES}).encode(), f"more than {MOST_VALUES}"),
        (json.dumps(dict.fromkeys(map(str, range(501)), 0)).encode(), f"more than {MOST_VALUES}"),
        (b" " * (LARGEST + 1), f"may have {LARGEST}"),
    ],
)
def test_what_is_out_of_bounds_is_refused_in_words(body: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_payload(body)


def test_bounds_themselves_are_within() -> None:
    assert parse_payload(nested(DEEPEST)).payload
    assert parse_payload(json.dumps({"a": [0] * (MOST_VALUES - 2)}).encode()).payload
    assert parse_payload(b'{"a":9223372036854775807}').payload == {"a": 2**63 - 1}
    assert parse_payload(b'{"a":1}'.ljust(LARGEST)).payload == {"a": 1}
