"""Finding personal data in a text: codes, accounts, cards, telephone numbers, e-mail addresses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from vestlus.conversation.telephone_numbers import e164, telephone_numbers
from vestlus.conversation.written_numbers import (
    CARD_DIGITS,
    bank_accounts,
    cards,
    compact,
    personal_codes,
)

#: RFC 5321: the longest part before the @.
_LOCAL_PART = 64

_DASHES = "\u2010\u2011\u2012\u2212\ufe63\uff0d"
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}")
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+\Z")
#: Marks that stand around an address more often than they belong to it.
_AROUND = "'`*_{}|/=.!?#&~-"

#: How often a text is looked through: what stood in between may have hidden a second number.
_LOOKS = 8
#: Stands where something was found already.
_GONE = "\x00"


class Kind(StrEnum):
    """What is told apart."""

    #: A bank account. Only the guard looks for it.
    IBAN = "iban"
    PERSONAL_CODE = "personal_code"
    CARD = "card"
    PHONE = "phone"
    EMAIL = "email"


#: Every kind, and those that can be kept from a model.
ALL_KINDS = tuple(Kind)
MASKABLE_KINDS = tuple(kind for kind in Kind if kind != Kind.IBAN)


@dataclass(frozen=True, slots=True)
class Found:
    """A place in a text: ``text[start:end]`` is of this kind."""

    kind: str
    start: int
    end: int


def found(text: str, kinds: Collection[str]) -> tuple[Found, ...]:
    """Personal data of these kinds in a text, from left to right, never overlapping.

    - ``iban``: bank accounts with true check digits, and of Estonia, Latvia, Lithuania and Finland
      with false ones too, whatever marks stand between their groups;
    - ``personal_code``: Estonian personal codes with a true date and check digit, in groups or not;
    - ``card``: payment card numbers with a true check digit (Luhn), in groups or not;
    - ``phone``: valid numbers, of Estonia, with a country code, or Russian ones with an 8; not
      dates, times, prices, registry codes named as such, and numbers of court cases;
    - ``email``: e-mail addresses.

    Where two kinds claim the same digits, the one named first here has them.
    """
    rest = _plain(text)
    # The library for telephone numbers alone takes longer than everything else here.
    digits = len(_NO_DIGITS.sub("", rest))
    finders = [(k, f) for k, f in _FINDERS.items() if k in kinds and digits >= LEAST_DIGITS[k]]
    kept: list[Found] = []
    for _ in range(_LOOKS):
        before = len(kept)
        for kind, finder in finders:
            for start, end in _apart(finder(rest)):
                kept.append(Found(kind, start, end))
                rest = f"{rest[:start]}{_GONE * (end - start)}{rest[end:]}"
        if len(kept) == before:
            break
    return tuple(sorted(kept, key=lambda one: one.start))


def _apart(places: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those that begin behind the end of the one before."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if not kept or kept[-1][1] <= start:
            kept.append((start, end))
    return kept


def values(text: str, kinds: Collection[str]) -> frozenset[tuple[str, str]]:
    """The kinds and :func:`canonical` values of the personal data in a text."""
    return frozenset(
        (one.kind, canonical(one.kind, text[one.start : one.end])) for one in found(text, kinds)
    )


def canonical(kind: str, written: str) -> str:
    """One spelling of a value for all the ways in which it can be written."""
    plain = _plain(written)
    if kind == Kind.EMAIL:
        return unicodedata.normalize("NFKC", plain).casefold()
    if kind == Kind.PHONE:
        number = e164(plain)
        if number:
            return number
    if kind == Kind.IBAN:
        return compact(plain)
    return "".join(character for character in plain if character.isdigit())


def _plain(text: str) -> str:
    """The text with plain digits, spaces, dashes and @, every character in its place."""
    return text if text.isascii() else text.translate(_PLAIN)


#: Of the characters that are remembered: users can send a million different ones.
_MOST_CHARACTERS = 4096


class _Plain(dict[int, str]):
    """Characters and what they are plainly, each asked for once."""

    def __missing__(self, code: int) -> str:
        plain = _plain_character(chr(code))
        if len(self) < _MOST_CHARACTERS:
            self[code] = plain
        return plain


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


_PLAIN = _Plain()

#: In the order in which they have their say.
_FINDERS = {
    Kind.IBAN: bank_accounts,
    Kind.PERSONAL_CODE: personal_codes,
    Kind.CARD: cards,
    Kind.EMAIL: _emails,
    Kind.PHONE: telephone_numbers,
}

_NO_DIGITS = re.compile(r"[^0-9]+")
#: A text with fewer digits has none of the kind. The shortest telephone numbers, country code and
#: all, have six in any country: the library's metadata, which a test looks through.
LEAST_DIGITS = {
    Kind.IBAN: 2,
    Kind.PERSONAL_CODE: 11,
    Kind.CARD: CARD_DIGITS.start,
    Kind.EMAIL: 0,
    Kind.PHONE: 6,
}
