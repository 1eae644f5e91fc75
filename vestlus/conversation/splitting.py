"""Cutting an answer into messages that Instagram takes."""

from __future__ import annotations

import re

#: Meta, "Send Messages": the text of a message is UTF-8 and at most 1000 bytes.
MESSAGE_LIMIT_BYTES = 1000

#: Where a text may be cut, best first. Each matches the white space that a cut replaces.
_PARAGRAPH = re.compile(r"\s*\n\s*\n\s*")
_SENTENCE = re.compile(r"(?<=[.!?…。])[\"'”’»)\]]*(\s+)|(\s*\n\s*)")
_WORD = re.compile(r"\s+")


def split_text(text: str, limit: int = MESSAGE_LIMIT_BYTES) -> tuple[str, ...]:
    """Cuts a text into pieces of at most ``limit`` bytes of UTF-8, in order.

    Cuts at the end of a paragraph where that fits, else of a sentence, else between words, so
    that links stay whole; only a word longer than the limit is cut inside, between characters.
    Nothing but white space at the cuts is lost. Blank text gives no pieces. ``limit`` must be at
    least 4, the longest character.
    """
    rest = text.strip()
    pieces: list[str] = []
    while len(rest.encode()) > limit:
        head, rest = _cut(rest, limit)
        pieces.append(head)
    if rest:
        pieces.append(rest)
    return tuple(pieces)


def _cut(text: str, limit: int) -> tuple[str, str]:
    fits = text.encode()[: limit + 1].decode(errors="ignore")
    while len(fits.encode()) > limit:
        fits = fits[:-1]
    # One character more than fits, so that white space right behind the limit counts as a cut.
    window = text[: len(fits) + 1]
    for pattern in (_PARAGRAPH, _SENTENCE, _WORD):
        place = _last_place(pattern, window, len(fits))
        if place is not None:
            return text[: place[0]].rstrip(), text[place[1] :].lstrip()
    return _cut_word(text, len(fits))


def _last_place(pattern: re.Pattern[str], window: str, fits: int) -> tuple[int, int] | None:
    """Start and end of the white space of the last match whose start is inside what fits."""
    last = None
    for match in pattern.finditer(window):
        groups = [index for index in range(1, pattern.groups + 1) if match.group(index) is not None]
        start, end = match.span(groups[0]) if groups else match.span()
        if 0 < start <= fits:
            last = (start, end)
    return last


def _cut_word(text: str, fits: int) -> tuple[str, str]:
    """Cuts inside a word, not between a character and what combines with it."""
    place = fits
    while place > 1 and _combines(text[place]):
        place -= 1
    if place <= 1:
        place = fits
    return text[:place], text[place:]


def _combines(character: str) -> bool:
    """Variation selectors, joiners, skin tones and combining marks belong to what is before."""
    code = ord(character)
    return (
        0x0300 <= code <= 0x036F  # noqa: PLR2004 - Unicode's block of combining marks
        or code in (0x200D, 0xFE0E, 0xFE0F)
        or 0x1F3FB <= code <= 0x1F3FF  # noqa: PLR2004 - skin tones
    )
