"""Meta's signed requests: what one of our secrets made is read, and nothing else is."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.privacy.signed_request import (
    LARGEST,
    RequestRejected,
    parse_signed_request,
    sign_request,
)

SECRETS = ("the secret of now", "the one before")
#: Meta's own example of a payload.
PAYLOAD = {
    "algorithm": "HMAC-SHA256",
    "expires": 1,
    "issued_at": 1_291_836_800,
    "user_id": "218471",
}


def signed(payload: object = None, secret: str = SECRETS[0], **fields: Any) -> str:  # noqa: ANN401
    body = {**PAYLOAD, **fields} if payload is None else payload
    return sign_request(json.dumps(body).encode(), secret)


@pytest.mark.parametrize("secret", SECRETS)
def test_any_of_the_secrets_may_have_made_it(secret: str) -> None:
    read = parse_signed_request(signed(secret=secret), SECRETS)
    assert (read.user_id, read.issued_at) == ("218471", 1_291_836_800)


def test_a_padded_signature_is_the_same() -> None:
    signature, _, payload = signed().partition(".")
    assert parse_signed_request(f"{signature}=.{payload}", SECRETS).user_id == "218471"


def test_numbers_are_ids_too_and_what_is_not_said_is_not_known() -> None:
    read = parse_signed_request(signed(user_id=218471, issued_at="soon"), SECRETS)
    assert (read.user_id, read.issued_at) == ("218471", 0)


@pytest.mark.parametrize(
    "payload",
    [
        {**PAYLOAD, "algorithm": "none"},
        {**PAYLOAD, "algorithm": "HMAC-SHA1"},
        {key: value for key, value in PAYLOAD.items() if key != "algorithm"},
        {**PAYLOAD, "user_id": ""},
        {**PAYLOAD, "user_id": "1 OR 1=1"},
        {**PAYLOAD, "user_id": ["218471"]},
        {**PAYLOAD, "user_id": True},
        {**PAYLOAD, "user_id": "9" * 65},
        ["218471"],
        "218471",
        None,
    ],
)
def test_what_is_signed_and_says_nothing_is_rejected(payload: object) -> None:
    given_ = signed(payload) if payload is not None else sign_request(b"{" * 2_000, SECRETS[0])
    with pytest.raises(RequestRejected):
        parse_signed_request(given_, SECRETS)


@pytest.mark.parametrize(
    "forged",
    [
        "",
        ".",
        "a.b",
        signed(secret="another"),
        signed(secret=""),
        signed() + ".x",
        signed() + "\n",
        " " + signed(),
        signed().replace(".", ".."),
        "x" * (LARGEST + 1),
        "é" * 43 + "." + "é",
    ],
)
def test_a_forged_one_is_rejected(forged: str) -> None:
    with pytest.raises(RequestRejected):
        parse_signed_request(forged, (*SECRETS, ""))


def test_without_secrets_nothing_is_metas() -> None:
    with pytest.raises(RequestRejected):
        parse_signed_request(signed(), ())


@given(st.text(max_size=200))
def test_any_text_is_read_or_rejected(text: str) -> None:
    with pytest.raises(RequestRejected):
        parse_signed_request(text, SECRETS)


@given(st.binary(max_size=300))
def test_any_signed_payload_is_read_or_rejected(payload: bytes) -> None:
    try:
        read = parse_signed_request(sign_request(payload, SECRETS[1]), SECRETS)
    except RequestRejected:
        return
    assert read.user_id


@given(st.integers(0, 400), st.integers(1, 255))
def test_one_changed_bit_is_a_forgery(place: int, change: int) -> None:
    whole = signed()
    place %= len(whole)
    other = chr((ord(whole[place]) ^ change) % 128)
    forged = whole[:place] + other + whole[place + 1 :]
    if forged == whole or _same(forged, whole):
        return
    with pytest.raises(RequestRejected):
        parse_signed_request(forged, SECRETS)


def _same(one: str, other: str) -> bool:
    """Whether only bits differ that stand for nothing: the last two of the signature."""
    return one.partition(".")[2] == other.partition(".")[2] and _bytes(one) == _bytes(other)


def _bytes(whole: str) -> bytes:
    signature = whole.partition(".")[0]
    try:
        return base64.urlsafe_b64decode(signature.rstrip("=") + "=" * (-len(signature) % 4))
    except ValueError:
        return b""
