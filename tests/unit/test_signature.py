"""Who may say what happened on Instagram: the webhook's signature."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.errors import SignatureRejected
from vestlus.instagram.signature import sign, verify

BODY = b'{"object":"instagram","entry":[],"text":"\\u00e4\\u00f6\\u00e5 \\/"}'
SECRET = "the app secret"

KNOWN = "sha256=" + hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()


def rejection(body: bytes, header: str | None, secrets: list[str]) -> str:
    with pytest.raises(SignatureRejected) as caught:
        verify(body, header, secrets)
    return caught.value.reason


def test_a_signature_is_the_hmac_sha256_of_the_raw_body_in_lowercase_hex() -> None:
    # RFC 4231, test case 2.
    assert sign(b"what do ya want for nothing?", "Jefe") == (
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    assert sign(BODY, SECRET) == KNOWN


@given(body=st.binary(), secret=st.text(min_size=1, alphabet=st.characters(codec="utf-8")))
def test_what_was_signed_is_accepted(body: bytes, secret: str) -> None:
    verify(body, sign(body, secret), [secret])


@given(body=st.binary(min_size=1), at=st.integers(min_value=0), flip=st.integers(1, 255))
def test_one_changed_byte_is_rejected(body: bytes, at: int, flip: int) -> None:
    changed = bytearray(body)
    changed[at % len(body)] ^= flip
    assert rejection(bytes(changed), sign(body, SECRET), [SECRET]) == "signature_mismatch"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_one_of_several_secrets_may_have_signed(place: int) -> None:
    secrets = ["one", "two", "three"]
    verify(BODY, sign(BODY, secrets[place]), secrets)


def test_a_secret_that_is_not_ours_is_rejected() -> None:
    assert rejection(BODY, sign(BODY, "another"), ["one", "two"]) == "signature_mismatch"


def test_json_written_again_is_rejected() -> None:
    unescaped = json.dumps(json.loads(BODY), ensure_ascii=False, separators=(",", ":")).encode()
    assert json.loads(unescaped) == json.loads(BODY)
    assert rejection(unescaped, sign(BODY, SECRET), [SECRET]) == "signature_mismatch"


def test_a_missing_header_is_rejected() -> None:
    assert rejection(BODY, None, [SECRET]) == "signature_missing"


DIGEST = KNOWN.removeprefix("sha256=")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        DIGEST,
        "sha1=" + DIGEST[:40],
        "SHA256=" + DIGEST,
        "sha256=" + DIGEST.upper(),
        "sha256=" + DIGEST[:-1],
        "sha256=" + DIGEST + "0",
        " sha256=" + DIGEST,
        "sha256=" + DIGEST + "\n",
        f"sha256={DIGEST}, sha256={DIGEST}",
        "sha256=" + DIGEST[:-1] + "\uff11",
        "sha256=" + DIGEST[:-1] + "\u0661",
        "sha256=" + "g" * 64,
    ],
)
def test_any_other_form_is_rejected_as_malformed(header: str) -> None:
    assert rejection(BODY, header, [SECRET]) == "signature_malformed"


@given(header=st.text())
def test_no_header_made_up_does_more_than_be_rejected(header: str) -> None:
    assert rejection(BODY, header, [SECRET]) in {"signature_malformed", "signature_mismatch"}


def test_without_secrets_nothing_is_accepted() -> None:
    assert rejection(BODY, sign(BODY, SECRET), []) == "signature_mismatch"


def test_an_empty_secret_accepts_nothing_though_anybody_can_sign_with_it() -> None:
    assert rejection(BODY, sign(BODY, ""), [""]) == "signature_mismatch"


def test_a_rejection_does_not_carry_the_digest_that_was_expected() -> None:
    with pytest.raises(SignatureRejected) as caught:
        verify(BODY, sign(BODY, "another"), [SECRET])
    assert DIGEST not in repr(caught.value)
