"""Finding personal data in a text: codes, cards, telephone numbers and e-mail addresses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number
from stdnum import iban, luhn
from stdnum.ee import ik

#: The region of telephone numbers that are written without a country code.
REGION = "EE"

#: Digits of the shortest and the longest card number, ISO/IEC 7812.
_CARD_DIGITS = range(13, 20)

#: RFC 5321: the longest part before the @.
_LOCAL_PART = 64

_DASHES = "\u2010\u2011\u2012\u2212\ufe63\uff0d"
#: Digits in groups with one space or dash in between, not part of a word.
_DIGITS = re.compile(r"(?<![0-9])[0-9]+(?:[ -][0-9]+)*(?![0-9])")
#: Sex and century, date of birth, number and check digit.
_PERSONAL_CODE = re.compile(r"(?<![0-9])[1-8][ -]?[0-9]{6}[ -]?[0-9]{4}(?![0-9])")
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{2,4}){2,8}(?![A-Z0-9])")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}")
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+\Z")
#: Marks that stand around an address more often than they belong to it.
_AROUND = "'`*_{}|/=.!?#&~-"

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


#: How often a text is looked through: what stood in between may have hidden a second number.
_LOOKS = 8
#: Stands where something was found already.
_GONE = "\x00"


class Kind(StrEnum):
    """What is told apart."""

    PERSONAL_CODE = "personal_code"
    CARD = "card"
    PHONE = "phone"
    EMAIL = "email"


#: Every kind.
ALL_KINDS = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Found:
    """A place in a text: ``text[start:end]`` is of this kind."""

    kind: str
    start: int
    end: int


def found(text: str, kinds: Collection[str]) -> tuple[Found, ...]:
    """Personal data of these kinds in a text, from left to right, never overlapping.

    - ``personal_code``: Estonian personal codes with a true date and check digit;
    - ``card``: payment card numbers with a true check digit (Luhn), in groups or not;
    - ``phone``: valid numbers, of Estonia or with a country code; not dates, times and prices;
    - ``email``: e-mail addresses.

    Where two kinds claim the same digits, the one named first here has them.
    """
    rest = _plain(text)
    kept: list[Found] = []
    for _ in range(_LOOKS):
        before = len(kept)
        for kind, finder in _FINDERS.items():
            for start, end in _apart(finder(rest)) if kind in kinds else ():
                kept.append(Found(kind, start, end))
                rest = f"{rest[:start]}{_GONE * (end - start)}{rest[end:]}"
        if len(kept) == before:
            break
    return tuple(sorted(kept, key=lambda one: one.start))


def _apart(places: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those that begin behind the end of the one before."""
    kept: list[tuple[int, int]] = []
    for start, end in places:
        if not kept or kept[-1][1] <= start:
            kept.append((start, end))
    return kept


def canonical(kind: str, written: str) -> str:
    """One spelling of a value for all the ways in which it can be written."""
    plain = _plain(written)
    if kind == Kind.EMAIL:
        return unicodedata.normalize("NFKC", plain).casefold()
    if kind == Kind.PHONE:
        for match in PhoneNumberMatcher(plain, REGION, Leniency.VALID):
            return format_number(match.number, PhoneNumberFormat.E164)
    return "".join(character for character in plain if character.isdigit())


def _plain(text: str) -> str:
    """The text with plain digits, spaces, dashes and @, every character in its place."""
    return text if text.isascii() else "".join(map(_plain_character, text))


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    if character in _DASHES:
        return "-"
    if character == "\uff20":
        return "@"
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    return " " if category == "Zs" else character


def _digit_runs(text: str) -> Iterator[tuple[str, int]]:
    """Digits in groups, and where they begin, bank accounts (IBAN) left out."""
    accounts = [match.span() for match in _IBAN.finditer(text) if iban.is_valid(match.group())]
    for match in _DIGITS.finditer(text):
        if not any(start <= match.start() < end for start, end in accounts):
            yield match.group(), match.start()


def _personal_codes(text: str) -> Iterator[tuple[int, int]]:
    for run, offset in _digit_runs(text):
        for match in _PERSONAL_CODE.finditer(run):
            if ik.is_valid(re.sub(r"[ -]", "", match.group())):
                yield offset + match.start(), offset + match.end()


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for run, offset in _digit_runs(text):
        for stretch, start, end in _in_groups(run):
            # Payment cards begin with 2 to 6: Mastercard, American Express, Visa, Discover.
            if stretch[0] in "23456" and luhn.is_valid(stretch):
                yield offset + start, offset + end


def _in_groups(run: str) -> Iterator[tuple[str, int, int]]:
    """Every stretch of whole groups as long as a card number, the longest first at each start."""
    groups = [match.span() for match in re.finditer(r"[0-9]+", run)]
    for index, (start, _) in enumerate(groups):
        # No stretch has more groups than digits.
        for _, end in reversed(groups[index : index + _CARD_DIGITS.stop]):
            stretch = re.sub(r"[^0-9]", "", run[start:end])
            if len(stretch) in _CARD_DIGITS:
                yield stretch, start, end


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for match in PhoneNumberMatcher(text, REGION, Leniency.VALID):
        if not _reads_otherwise(match.raw_string, text[match.end :][:12]):
            yield match.start, match.end


def _reads_otherwise(written: str, behind: str) -> bool:
    """Whether what could be dialled is more likely a date, a time, a stretch, a price or a count.

    The long dash is one between two numbers; within a telephone number people write the short.
    """
    if written.startswith(("+", "00")):
        return False
    if (
        "–" in written
        or _DATE.fullmatch(written)
        or _STRETCH.fullmatch(written)
        or _AMOUNT.match(behind)
    ):
        return True
    groups = re.split(r"[^0-9]+", written.strip("()"))
    if "." in written or ":" in written:
        return any(len(group) < _SHORT_GROUP for group in groups)
    return len(groups) > 1 and len(groups[0]) == 1 and groups[-1] == "000"


def _emails(text: str) -> Iterator[tuple[int, int]]:
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1)
        local = _LOCAL.search(text, max(0, at - _LOCAL_PART), at)
        if domain and local:
            start = local.start() + len(local.group()) - len(local.group().lstrip(_AROUND))
            if start < at:
                yield start, domain.end()
        at = text.find("@", at + 1)


#: In the order in which they have their say.
_FINDERS = {
    Kind.PERSONAL_CODE: _personal_codes,
    Kind.CARD: _cards,
    Kind.EMAIL: _emails,
    Kind.PHONE: _phones,
}
