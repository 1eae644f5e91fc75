"""Personal data is found, kept from the model, and put back where it belongs."""

from __future__ import annotations

from itertools import pairwise

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.ee import ik

from vestlus.conversation.masking import mask
from vestlus.conversation.personal_data import (
    ALL_KINDS,
    LEAST_DIGITS,
    MASKABLE_KINDS,
    Kind,
    canonical,
    found,
    values,
)

PERSONAL_CODE = "38001085718"
CARD = "4111 1111 1111 1111"

PIECES = st.one_of(
    st.text(max_size=12),
    st.text("0123456789 -+.@[]()eEmail-phonecard\u2013\u00a0", max_size=14),
    st.sampled_from(
        [
            PERSONAL_CODE,
            CARD,
            "4111-1111-1111-1111",
            "+372 5123 4567",
            "51234567",
            "645 2020",
            "mari@example.ee",
            "MARI@example.ee",
            "[email-1]",
            "[ Email 2 ]",
            "[PHONE-1]",
            "[personal-code-1]",
            "[card-1",
            "phone-1]",
            " ",
            "\n",
        ]
    ),
)
MESSAGES = st.lists(st.lists(PIECES, max_size=8).map("".join), max_size=4)


def kinds_in(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in found(text, MASKABLE_KINDS)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (f"Minu isikukood on {PERSONAL_CODE}.", Kind.PERSONAL_CODE, PERSONAL_CODE),
        ("kood: 3 8001085718", Kind.PERSONAL_CODE, "3 8001085718"),
        (f"kaart {CARD}, kehtib 12/27", Kind.CARD, CARD),
        ("kaart 4111-1111-1111-1111 123", Kind.CARD, "4111-1111-1111-1111"),
        ("4111\u00a01111\u00a01111\u00a01111", Kind.CARD, "4111\u00a01111\u00a01111\u00a01111"),
        ("amex 378282246310005", Kind.CARD, "378282246310005"),
        ("helista 5123 4567 pärast viit", Kind.PHONE, "5123 4567"),
        ("helista (+372) 645 2020", Kind.PHONE, "(+372) 645 2020"),
        ("Puh. +358 40 1234567", Kind.PHONE, "+358 40 1234567"),
        ("тел. +7 912 345-67-89", Kind.PHONE, "+7 912 345-67-89"),
        ("00372 51234567", Kind.PHONE, "00372 51234567"),
        ("tel:51234567", Kind.PHONE, "51234567"),
        ("звоните 8 800 555 35 35", Kind.PHONE, "8 800 555 35 35"),
        ("8(912)345-67-89", Kind.PHONE, "8(912)345-67-89"),
        ("helista 80012345", Kind.PHONE, "80012345"),
        ("reg nr 51234567", Kind.PHONE, "51234567"),
        ("kaart 4111.1111.1111.1111", Kind.CARD, "4111.1111.1111.1111"),
        ("4111_1111_1111_1111_", Kind.CARD, "4111_1111_1111_1111"),
        ("kaart 4111–1111–1111–1111", Kind.CARD, "4111–1111–1111–1111"),
        ("380.0108.5718", Kind.PERSONAL_CODE, "380.0108.5718"),
        ("kood 380–0108–5718.", Kind.PERSONAL_CODE, "380–0108–5718"),
        ("380\n0108\n5718", Kind.PERSONAL_CODE, "380\n0108\n5718"),
        ("helista 5123–4567", Kind.PHONE, "5123–4567"),
        ("Kirjuta mari.maasikas+vestlus@post.example.ee!", Kind.EMAIL, None),
        ("<mari@õpik.ee>", Kind.EMAIL, "mari@õpik.ee"),
        ("mari\uff20example.ee", Kind.EMAIL, "mari\uff20example.ee"),
        ("(mari@example.ee)", Kind.EMAIL, "mari@example.ee"),
        ("\uff15\uff11\uff12\uff13\uff14\uff15\uff16\uff17", Kind.PHONE, None),
    ],
)
def test_personal_data_is_found_as_people_write_it(
    text: str, kind: Kind, value: str | None
) -> None:
    ((seen, written),) = kinds_in(text)
    assert seen == kind
    assert value is None or written == value


@pytest.mark.parametrize(
    "text",
    [
        "24.12.2026",
        "6.10.2026",
        "6.10-12.10.2026",
        "2026-12-24",
        "kell 9.00-17.00",
        "9.00\u201317.00",
        "aastatel 320\u20131440",
        "hind 12.50 eurot",
        "5 000 000 eurot",
        "6123456 eurot",
        "5 000 000 inimest",
        "helista 112 või 116 111",
        "postiindeks 10115, Sadama 12",
        "registrikood 75014289",
        "registrikood 80012345",
        "Registrikood: 80012345",
        "reg nr 80012345, reg. nr. 80012345",
        "Registrikood on 80012345",
        "рег. номер 80012345",  # noqa: RUF001
        "kohtuasi 3-21-1234",
        "24.12.2026 25.12.2026",
        "tellimus 2026-001234",
        "38001085719",  # wrong check digit
        "39913325718",  # no such day
        "4111 1111 1111 1112",  # wrong check digit
        "EE38 2200 2210 2014 5685",  # a bank account
        "v2.0, 1.2.3.4",
        "@kohvik.ee",
        "a @ b",
        "mari@localhost",
    ],
)
def test_dates_times_prices_and_the_like_are_no_personal_data(text: str) -> None:
    assert kinds_in(text) == []


def test_a_number_that_stands_close_to_another_is_found_as_well() -> None:
    text = f"{CARD} 51234567"
    assert kinds_in(text) == [("card", CARD), ("phone", "51234567")]


def test_only_the_asked_kinds_are_found() -> None:
    text = f"{PERSONAL_CODE} mari@example.ee 51234567"
    assert [one.kind for one in found(text, ["email"])] == ["email"]
    assert found(text, []) == ()


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (Kind.PHONE, "+372 5123 4567", "51234567"),
        (Kind.EMAIL, "Mari@Example.ee", "mari@example.EE"),
        (Kind.CARD, CARD, "4111111111111111"),
        (Kind.CARD, CARD, "4111.1111.1111.1111"),
        (Kind.PHONE, "+7 800 555 35 35", "8 800 555 35 35"),
        (Kind.IBAN, "EE38 2200 2210 2014 5685", "ee382200221020145685"),
    ],
)
def test_a_value_is_the_same_in_every_spelling(kind: Kind, one: str, other: str) -> None:
    assert canonical(kind, one) == canonical(kind, other)


@given(MESSAGES.map(" ".join), st.sets(st.sampled_from(MASKABLE_KINDS)))
def test_finds_are_in_order_within_the_text_and_never_overlap(text: str, kinds: set[Kind]) -> None:
    finds = found(text, kinds)
    assert all(one.kind in kinds and 0 <= one.start < one.end <= len(text) for one in finds)
    assert all(one.end <= other.start for one, other in pairwise(finds))


@given(st.integers(10**10, 7 * 10**10), st.text("abc õ.,!?", max_size=5))
def test_every_true_personal_code_is_found_and_no_other(number: int, around: str) -> None:
    code = str(number)
    finds = found(f"{around} {code} {around}", [Kind.PERSONAL_CODE])
    assert len(finds) == ik.is_valid(code)


@given(st.integers(2 * 10**14, 7 * 10**14 - 1), st.sampled_from(["", " ", "-", "\u00a0"]))
def test_every_card_number_with_a_true_check_digit_is_found(number: int, space: str) -> None:
    digits = str(number) + luhn.calc_check_digit(str(number))
    written = space.join(digits[place : place + 4] for place in range(0, len(digits), 4))
    (one,) = found(f"kaart {written}.", [Kind.CARD])
    assert (one.start, one.end) == (6, 6 + len(written))


@given(MESSAGES, st.sets(st.sampled_from(MASKABLE_KINDS)))
def test_restoring_what_was_masked_gives_back_every_text(
    texts: list[str], kinds: set[Kind]
) -> None:
    masked = mask(texts, kinds)
    assert [masked.restore(text) for text in masked.texts] == texts


@given(MESSAGES)
def test_nothing_is_left_to_be_found_in_a_masked_text(texts: list[str]) -> None:
    assert [kinds_in(text) for text in mask(texts, MASKABLE_KINDS).texts] == [[] for _ in texts]


@given(MESSAGES)
def test_what_a_user_wrote_to_look_like_a_token_stands_for_nobodys_value(texts: list[str]) -> None:
    written = "[email-1] [EMAIL 2] [ phone\u20133 ]"
    masked = mask([*texts, written, "mari@example.ee 51234567"], MASKABLE_KINDS)
    assert masked.texts[-2] == written
    assert masked.restore(written) == written


def test_one_spelling_of_a_value_has_one_token_in_all_texts() -> None:
    masked = mask(["mari@example.ee", "jah, mari@example.ee ja jaan@example.ee"], ["email"])
    assert masked.texts == ("[email-1]", "jah, [email-1] ja [email-2]")


def test_each_kind_has_tokens_of_its_own() -> None:
    masked = mask([f"{PERSONAL_CODE}, {CARD}, 51234567, m@example.ee"], MASKABLE_KINDS)
    assert masked.texts == ("[personal-code-1], [card-1], [phone-1], [email-1]",)


@pytest.mark.parametrize(
    "token",
    ["[email-1]", "[Email-1]", "[ EMAIL - 1 ]", "[email 1]", "[email\u20131]", "[e-mail_1]"],
)
def test_a_token_that_the_model_changed_a_little_is_restored(token: str) -> None:
    masked = mask(["mari@example.ee"], ["email"])
    assert masked.restore(f"Kirjutan: {token}.") == "Kirjutan: mari@example.ee."


@pytest.mark.parametrize(
    "text", ["email-1", "[email-2]", "[phone-1]", "[email-1", "email-1]", "[image]", "[email-11]"]
)
def test_what_is_no_token_of_these_texts_stays(text: str) -> None:
    assert mask(["mari@example.ee"], ["email"]).restore(text) == text


@pytest.mark.parametrize(
    "account",
    [
        "EE38 2200 2210 2014 5685",
        "ee382200221020145685",
        "EE38 2200 2210 2014 5686",  # a false check digit
        "LV80BANK0000435195001",
        "DE89 3704 0044 0532 0130 00",
    ],
)
def test_bank_accounts_are_found_and_not_masked(account: str) -> None:
    text = f"Makse {account} 2026 jah, on EE12 all"
    ((one),) = found(text, ALL_KINDS)
    assert (one.kind, text[one.start : one.end]) == ("iban", account)
    assert mask([f"{account}."], MASKABLE_KINDS).texts == (f"{account}.",)


def test_no_country_has_telephone_numbers_with_fewer_digits_than_are_looked_for() -> None:
    known = phonenumbers.PhoneMetadata
    codes = phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    shortest = []
    for one in (
        *(known.metadata_for_region(region, None) for region in phonenumbers.SUPPORTED_REGIONS),
        *(known.metadata_for_nongeo_region(code, None) for code in codes),
    ):
        assert one is not None
        assert one.general_desc is not None
        shortest.append(len(str(one.country_code)) + min(one.general_desc.possible_length))
    assert len(shortest) > 200
    assert min(shortest) >= LEAST_DIGITS[Kind.PHONE]


def test_what_everybody_knows_is_not_masked_however_it_is_written() -> None:
    known = values("Tel +372 612 3000, info@vald.ee", MASKABLE_KINDS)
    text = "612 3000 või 00372 6123000, INFO@vald.ee ja 5123 4567"
    masked = mask([text], MASKABLE_KINDS, known)
    assert masked.texts == ("612 3000 või 00372 6123000, INFO@vald.ee ja [phone-1]",)
    assert masked.restore(masked.texts[0]) == text


def test_personal_data_is_not_shown_where_the_masking_is_printed() -> None:
    assert "mari" not in repr(mask(["mari@example.ee"], ["email"]))
