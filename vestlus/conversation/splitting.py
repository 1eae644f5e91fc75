"""Cutting an answer into messages that Instagram takes."""

# ruff: noqa: RUF001  (Cyrillic letters that look like Latin ones)

from __future__ import annotations

import re
import unicodedata

#: Meta, "Send Messages": the text of a message is UTF-8 and at most 1000 bytes.
MESSAGE_LIMIT_BYTES = 1000

#: Where a text may be cut, best first. Each matches the white space that a cut replaces.
_PARAGRAPH = re.compile(r"\s*\n\s*\n\s*")
_SENTENCE = re.compile(r"(?<=[.!?…。])[\"'”’»)\]]*(\s+)|(\s*\n\s*)")
_WORD = re.compile(r"\s+")

#: Words whose full stop ends no sentence where the text goes on small or with a number.
_ABBREVIATIONS = (
    "nr|tel|lk|jne|jms|jm|jt|st|sh|vt|nt|näit|hr|pr|dr|prof|tn|pst|mnt|krt|kl|ca|eur"
    "|no|approx|etc|vs|mr|mrs|ms|min|max|al|bzw|usw|evtl|ul|np|godz"
    "|ул|кв|тел|стр|руб|коп|тыс|млн|др|пр|им|гг|вул|буд|грн"
    "|puh|klo|esim|plkst|iela|val|mėn|pvz|kr|resp"
)
#: A number, an abbreviation, a Roman number: an ordinal, or a part of a name or of an address.
_GOES_ON = re.compile(rf"(?<!\w)(?:\d+|(?i:{_ABBREVIATIONS})|[IVXLC]+)\.\Z")
#: One letter, as in J. V. Jannsen: whatever follows.
_INITIAL = re.compile(r"(?<!\w)[^\W\d_]\.\Z")
#: More of the text before a place does not matter to them.
_LONGEST_NUMBER = 20

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
#: Halves of characters, which UTF-8 has no bytes for; models write them now and then.
_SURROGATE = re.compile("[\ud800-\udfff]")

_JOINER, _NON_JOINER = "\u200d", "\u200c"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
#: The letters of which flags are made, two each.
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
#: The letters that follow a black flag for England, Scotland and Wales.
_TAGS = range(0xE0020, 0xE0080)
#: Vowels and final consonants of Korean that are written as parts.
_JAMO = range(0x1160, 0x1200)


def split_text(text: str, limit: int = MESSAGE_LIMIT_BYTES) -> tuple[str, ...]:
    """Cuts a text into pieces of at most ``limit`` bytes of UTF-8, in order.

    Cuts at the end of a paragraph where that fits, else of a sentence, else between words, so
    that links stay whole, and ordinals with what they count ("24. veebruaril"), abbreviations and
    initials with what follows where there is another place to cut; only a word longer than the
    limit is cut inside, before a link rather than in it, and between characters as people see
    them: no emoji, flag or accented letter is taken apart unless it alone is over the limit.
    Nothing but white space at the cuts is lost; a lone surrogate becomes U+FFFD. Blank text gives
    no pieces. ``limit`` must be at least 4, the longest character.
    """
    rest = _SURROGATE.sub("\ufffd", text).strip()
    pieces: list[str] = []
    while len(rest.encode()) > limit:
        head, rest = _cut(rest, limit)
        pieces.append(head)
    if rest:
        pieces.append(rest)
    return tuple(pieces)


def shortened(text: str, characters: int) -> str:
    """The text, or its beginning with ``…``, at most so many code points; cut as by split_text."""
    if len(text) <= characters:
        return text
    place = _boundary(text, characters - 1)
    head = text[:place]
    words = head if text[place].isspace() else re.sub(r"\s\S*\Z", "", head)
    return f"{words.rstrip()}…"


def _cut(text: str, limit: int) -> tuple[str, str]:
    fits = text.encode()[:limit].decode(errors="ignore")
    # One character more than fits, so that white space right behind the limit counts as a cut.
    window = text[: len(fits) + 1]
    for pattern, anywhere in (
        (_PARAGRAPH, True),
        (_SENTENCE, False),
        (_WORD, False),
        (_WORD, True),
    ):
        places = _places(pattern, window, len(fits))
        place = next((one for one in places if anywhere or not _goes_on(text, one[0])), None)
        if place is not None:
            return text[: place[0]].rstrip(), text[place[1] :].lstrip()
    place_in_word = _before_link(text, _boundary(text, len(fits)))
    return text[:place_in_word], text[place_in_word:]


def _places(pattern: re.Pattern[str], window: str, fits: int) -> list[tuple[int, int]]:
    """Starts and ends of the white space of matches whose start is inside what fits, last first."""
    places = []
    for match in pattern.finditer(window):
        groups = [index for index in range(1, pattern.groups + 1) if match.group(index) is not None]
        start, end = match.span(groups[0]) if groups else match.span()
        if 0 < start <= fits:
            places.append((start, end))
    return places[::-1]


def _goes_on(text: str, place: int) -> bool:
    """Whether a full stop before the white space at the place belongs to what follows it."""
    after = text[place:].lstrip(" \t\u00a0")[:1]
    before = text[max(0, place - _LONGEST_NUMBER) : place]
    if not after.isalnum():
        return False
    small = after.islower() or after.isdigit()
    return bool(_INITIAL.search(before) or (small and _GOES_ON.search(before)))


def _before_link(text: str, place: int) -> int:
    """The place, or the beginning of the link that it would cut; a text may begin with one."""
    for link in _LINK.finditer(text[: place + 1]):
        if 0 < link.start() < place < link.end():
            return link.start()
    return place


def _boundary(text: str, place: int) -> int:
    """The last place, at most this one and not 0, between two characters as people see them.

    After Unicode's annex 29, for what messages are written in. The place itself where there is
    no other.
    """
    boundary = place
    while boundary > 0 and _belong_together(text, boundary):
        boundary -= 1
    return boundary or place


def _belong_together(text: str, place: int) -> bool:
    """Whether what is on both sides of the place makes one character."""
    before, after = text[place - 1], text[place]
    code = ord(after)
    if code in _FLAG_LETTERS:
        letters = 0
        while letters < place and ord(text[place - 1 - letters]) in _FLAG_LETTERS:
            letters += 1
        return letters % 2 == 1
    return (
        _JOINER in (before, after)
        or unicodedata.category(after) in ("Mn", "Mc", "Me")
        or after == _NON_JOINER
        or code in _SKIN_TONES
        or code in _TAGS
        or code in _JAMO
    )
