"""Finding personal data in a text: codes, accounts, cards, telephone numbers, e-mail addresses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from stdnum import iban, luhn
from stdnum.ee import ik

from vestlus.conversation.telephone_numbers import e164, telephone_numbers

#: Digits of the shortest and the longest card number, ISO/IEC 7812.
_CARD_DIGITS = range(13, 20)

#: RFC 5321: the longest part before the @.
_LOCAL_PART = 64

_DASHES = "\u2010\u2011\u2012\u2212\ufe63\uff0d"
#: Digits in groups with one space or dash in between, not part of a word.
_DIGITS = re.compile(r"(?<![0-9])[0-9]+(?:[ -][0-9]+)*(?![0-9])")
#: What stands between the groups of a number, to make it read well or to pass unseen.
_MARK = "[ ./_\\-\n\u2013\u2014]"
_MARKS = re.compile(_MARK)
#: Sex and century, date of birth, number and check digit.
_PERSONAL_CODE = re.compile(r"(?<![0-9])[1-8][ -]?[0-9]{6}[ -]?[0-9]{4}(?![0-9])")
#: The same in other groups, with one mark between all of them and no other number beside it: days
#: and times have several, 6.10-12.10.2026.
_PERSONAL_CODE_IN_GROUPS = re.compile(
    rf"(?<![0-9])(?<![0-9]{_MARK})[1-8][0-9]*({_MARK})[0-9]+(?:\1[0-9]+){{0,3}}"
    rf"(?![0-9])(?!{_MARK}[0-9])"
)
#: A card number in the groups that are printed on it, with other marks in between.
_CARD_WITH_MARKS = re.compile(
    r"(?<![0-9])[0-9]{4}(?:([./_\u2013\u2014])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}"
    r"|([./_\u2013\u2014])[0-9]{6}\2[0-9]{4,5})(?![0-9])"
)
#: What could be a bank account, and more behind it; they may lie within one another.
_ACCOUNT = re.compile(
    r"(?<![A-Z0-9])(?=([A-Z]{2}[ -]?[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}))", re.IGNORECASE | re.ASCII
)
#: The same with any marks in between.
_ACCOUNT_WITH_MARKS = re.compile(
    rf"(?<![A-Z0-9])(?=([A-Z]{{2}}{_MARK}{{0,2}}[0-9]{{2}}(?:{_MARK}{{0,2}}[A-Z0-9]){{11,30}}))",
    re.IGNORECASE | re.ASCII,
)
#: ISO 13616: Norway's are the shortest.
_ACCOUNT_CHARACTERS = range(15, 35)
#: Those of Estonia and around it, whether their check digits are true or not.
_ACCOUNT_NEARBY = re.compile(r"(?:EE|LT)[0-9]{18}|LV[0-9]{2}[A-Z]{4}[A-Z0-9]{13}|FI[0-9]{16}")
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
        return _compact(plain)
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


def _digit_runs(text: str) -> Iterator[tuple[str, int]]:
    """Digits in groups, and where they begin, bank accounts (IBAN) left out."""
    accounts = list(_accounts(text, _ACCOUNT, _is_iban))
    for match in _DIGITS.finditer(text):
        if not any(start <= match.start() < end for start, end in accounts):
            yield match.group(), match.start()


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    yield from _accounts(text, _ACCOUNT, lambda one: bool(_ACCOUNT_NEARBY.fullmatch(one)))
    yield from _accounts(text, _ACCOUNT_WITH_MARKS, _is_iban)


def _accounts(
    text: str, written_as: re.Pattern[str], is_account: Callable[[str], bool]
) -> Iterator[tuple[int, int]]:
    """The longest stretch of whole words at each place that is a bank account."""
    for match in written_as.finditer(text):
        start, written = match.start(), match.group(1)
        for length in range(len(written), _ACCOUNT_CHARACTERS.start - 1, -1):
            behind = text[start + length : start + length + 1]
            account = _compact(written[:length])
            if (
                not (behind.isascii() and behind.isalnum())
                and len(account) in _ACCOUNT_CHARACTERS
                and is_account(account)
            ):
                yield start, start + length
                break


def _is_iban(account: str) -> bool:
    # ISO 7064 first, in one division: the library takes long for what nearly never is one.
    number = "".join(str(int(character, 36)) for character in account[4:] + account[:4])
    return int(number) % 97 == 1 and iban.is_valid(account)


def _compact(account: str) -> str:
    return _MARKS.sub("", account).upper()


def _personal_codes(text: str) -> Iterator[tuple[int, int]]:
    for run, offset in _digit_runs(text):
        for match in _PERSONAL_CODE.finditer(run):
            if ik.is_valid(_MARKS.sub("", match.group())):
                yield offset + match.start(), offset + match.end()
    for match in _PERSONAL_CODE_IN_GROUPS.finditer(text):
        if ik.is_valid(_MARKS.sub("", match.group())):
            yield match.span()


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for run, offset in _digit_runs(text):
        for stretch, start, end in _in_groups(run):
            # Payment cards begin with 2 to 6: Mastercard, American Express, Visa, Discover.
            if stretch[0] in "23456" and luhn.is_valid(stretch):
                yield offset + start, offset + end
    for match in _CARD_WITH_MARKS.finditer(text):
        if match.group()[0] in "23456" and luhn.is_valid(_MARKS.sub("", match.group())):
            yield match.span()


def _in_groups(run: str) -> Iterator[tuple[str, int, int]]:
    """Every stretch of whole groups as long as a card number, the longest first at each start."""
    groups = [match.span() for match in re.finditer(r"[0-9]+", run)]
    for index, (start, _) in enumerate(groups):
        # No stretch has more groups than digits.
        for _, end in reversed(groups[index : index + _CARD_DIGITS.stop]):
            stretch = re.sub(r"[^0-9]", "", run[start:end])
            if len(stretch) in _CARD_DIGITS:
                yield stretch, start, end


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
    Kind.IBAN: _ibans,
    Kind.PERSONAL_CODE: _personal_codes,
    Kind.CARD: _cards,
    Kind.EMAIL: _emails,
    Kind.PHONE: telephone_numbers,
}

_NO_DIGITS = re.compile(r"[^0-9]+")
#: A text with fewer digits has none of the kind. The shortest telephone numbers, country code and
#: all, have six in any country: the library's metadata, which a test looks through.
LEAST_DIGITS = {
    Kind.IBAN: 2,
    Kind.PERSONAL_CODE: 11,
    Kind.CARD: _CARD_DIGITS.start,
    Kind.EMAIL: 0,
    Kind.PHONE: 6,
}
