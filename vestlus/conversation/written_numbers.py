"""Finding bank accounts, personal codes and payment cards among the numbers of a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from stdnum import iban, luhn
from stdnum.ee import ik

#: Digits of the shortest and the longest card number, ISO/IEC 7812.
CARD_DIGITS = range(13, 20)

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


def _digit_runs(text: str) -> Iterator[tuple[str, int]]:
    """Digits in groups, and where they begin, bank accounts (IBAN) left out."""
    accounts = list(_accounts(text, _ACCOUNT, _is_iban))
    for match in _DIGITS.finditer(text):
        if not any(start <= match.start() < end for start, end in accounts):
            yield match.group(), match.start()


def bank_accounts(text: str) -> Iterator[tuple[int, int]]:
    """Where bank accounts stand; of Estonia and around it also with false check digits."""
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
            account = compact(written[:length])
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


def compact(account: str) -> str:
    """A bank account without what stands between its groups, in capitals."""
    return _MARKS.sub("", account).upper()


def personal_codes(text: str) -> Iterator[tuple[int, int]]:
    """Where Estonian personal codes with a true date and check digit stand."""
    for run, offset in _digit_runs(text):
        for match in _PERSONAL_CODE.finditer(run):
            if ik.is_valid(_MARKS.sub("", match.group())):
                yield offset + match.start(), offset + match.end()
    for match in _PERSONAL_CODE_IN_GROUPS.finditer(text):
        if ik.is_valid(_MARKS.sub("", match.group())):
            yield match.span()


def cards(text: str) -> Iterator[tuple[int, int]]:
    """Where payment card numbers with a true check digit (Luhn) stand."""
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
        for _, end in reversed(groups[index : index + CARD_DIGITS.stop]):
            stretch = re.sub(r"[^0-9]", "", run[start:end])
            if len(stretch) in CARD_DIGITS:
                yield stretch, start, end
