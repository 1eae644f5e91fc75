"""Finding telephone numbers among the other numbers of a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from phonenumbers import (
    Leniency,
    NumberParseException,
    PhoneNumberFormat,
    PhoneNumberMatcher,
    format_number,
    is_valid_number,
    parse,
)

#: The region of telephone numbers that are written without a country code.
REGION = "EE"

_DATE = re.compile(
    r"[0-9]{1,2}[. ]{1,2}[0-9]{1,2}[. ]{1,2}(?:[0-9]{4}|[0-9]{2})"
    r"|[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}"
)
#: A stretch of days or of times: 6.10-12.10, 9.00-17.00, 10-16.
_STRETCH = re.compile(
    r"[0-9]{1,2}(?:[.:][0-9]{1,2}){0,2}\.? ?[-–] ?[0-9]{1,2}(?:[.:][0-9]{1,4}){0,2}"
)
_AMOUNT = re.compile(
    r"\s{0,2}(?:[€$£%₽]|(?:eur|usd|gbp|sek|pln|rub|kr|zł|руб|евро)\w{0,4}\b)",  # noqa: RUF001
    re.IGNORECASE,
)
_SHORT_GROUP = 3

#: A number of an Estonian court case: the kind of case, the year, the case.
_CASE = re.compile(r"[1-4]-[0-9]{2}-[0-9]{1,6}")
#: A registry code of an Estonian company, institution, association or foundation. Those of mobile
#: telephones begin with another digit.
_REGISTRY_CODE = re.compile(r"[1789][0-9]{7}")
_REGISTERED = re.compile(
    r"(?:\breg(?:istri|istry|ister)?\W{0,2}(?:kood\w{0,4}|code|nr|no|number\w{0,4})"
    r"|\bрег\w{0,12}\W{0,2}(?:код\w{0,3}|номер\w{0,3}|№))\W{0,3}(?:on |is )?\Z",  # noqa: RUF001
    re.IGNORECASE,
)
_LOOKED_AT_BEFORE = 32

#: A Russian number as it is written in Russia: 8 for the country code, 11 digits.
_RUSSIAN = re.compile(r"(?<![0-9+])8[ -]{0,2}\(?[0-9]{3}\)?(?:[ -]{0,2}[0-9]){7}(?![0-9])")


def telephone_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Where valid numbers stand, of Estonia, with a country code, or Russian ones with an 8.

    From left to right; they may overlap. ``text`` has plain digits, spaces and dashes.
    """
    russian = [match.span() for match in _RUSSIAN.finditer(text) if _e164_of_russia(match.group())]
    others = [
        (match.start, match.end)
        for match in PhoneNumberMatcher(text, REGION, Leniency.VALID)
        if not _is_registered(match.raw_string, text[: match.start][-_LOOKED_AT_BEFORE:])
    ]
    for start, end in sorted([*russian, *others]):
        if not _reads_otherwise(text[start:end], text[end:][:12]):
            yield start, end


def e164(written: str) -> str | None:
    """A number of :func:`telephone_numbers` with a + and its country code, spaces gone."""
    if _RUSSIAN.fullmatch(written):
        russian = _e164_of_russia(written)
        if russian:
            return russian
    for match in PhoneNumberMatcher(written, REGION, Leniency.VALID):
        return format_number(match.number, PhoneNumberFormat.E164)
    return None


def _e164_of_russia(written: str) -> str | None:
    try:
        number = parse(written, "RU")
    except NumberParseException:
        return None
    return format_number(number, PhoneNumberFormat.E164) if is_valid_number(number) else None


def _is_registered(written: str, before: str) -> bool:
    return bool(_REGISTRY_CODE.fullmatch(written) and _REGISTERED.search(before))


def _reads_otherwise(written: str, behind: str) -> bool:
    """Whether what could be dialled is more likely a date, a time, a stretch, a price, a count or
    a court case.

    A long dash between a number and a larger one is a stretch; no stretch goes downwards, and there
    it is one of a telephone number, in which people write the short.
    """
    if written.startswith(("+", "00")):
        return False
    if (
        _goes_upwards(written)
        or _DATE.fullmatch(written)
        or _STRETCH.fullmatch(written)
        or _CASE.fullmatch(written)
        or _AMOUNT.match(behind)
    ):
        return True
    groups = re.split(r"[^0-9]+", written.strip("()"))
    if "." in written or ":" in written:
        return any(len(group) < _SHORT_GROUP for group in groups)
    return len(groups) > 1 and len(groups[0]) == 1 and groups[-1] == "000"


def _goes_upwards(written: str) -> bool:
    ends = [re.sub(r"[^0-9]+", "", end) for end in written.split("–")]
    return any(int(low or 0) < int(high or 0) for low, high in pairwise(ends))
