"""Whether a user asks for something once more, in words of the languages that users write.

Decides only what may happen, not what does: a picture that was sent already may be sent again
when one of these words stands in the newest messages and the model names the picture too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

#: By language, BCP 47. A word stands for itself; one that ends with a hyphen for all that begin so.
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "et": ("uuesti", "veel kord", "veelkord", "veel korra", "veel üks kord", "taas", "jälle"),
    "en": ("again", "once more", "one more time", "another time", "resend", "re-send"),
    "ru": ("ещё раз", "еще раз", "ещё разок", "еще разок", "снова", "опять", "повтор-"),
    "uk": ("ще раз", "знову", "повтор-"),
    "fi": ("uudelleen", "uudestaan", "vielä kerran", "taas", "jälleen"),
    "sv": ("igen", "en gång till", "på nytt", "ännu en gång"),
    "lv": ("vēlreiz", "vēl reizi", "atkal", "no jauna"),
    "lt": ("dar kartą", "vėl", "iš naujo", "pakarto-"),
    "de": ("nochmal", "nochmals", "noch mal", "noch einmal", "erneut", "wieder"),
    "pl": ("jeszcze raz", "ponownie", "znowu", "znów"),
    "fr": ("encore", "à nouveau", "de nouveau", "renvo-"),
    "es": ("otra vez", "de nuevo", "nuevamente", "reenvi-"),
}


def _pattern() -> re.Pattern[str]:
    phrases = {phrase for phrases in _WORDS.values() for phrase in phrases}
    # The longest first, so that a part of a phrase does not take its place.
    choices = [
        r"\s+".join(map(re.escape, _folded(phrase.removesuffix("-")).split()))
        + ("" if phrase.endswith("-") else r"\b")
        for phrase in sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    ]
    return re.compile(rf"\b(?:{'|'.join(choices)})")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


_AGAIN: Final = _pattern()


def asks_again(texts: Iterable[str]) -> bool:
    """Whether one of the texts has a word for *again*."""
    return any(_AGAIN.search(_folded(text)) for text in texts)
