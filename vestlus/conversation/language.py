"""A cheap guess at the language of a few messages, for fixed texts before a model has told it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

#: Letters that few of the languages have count as much as so many frequent words, at most.
_MOST_FOR_LETTERS: Final = 2

#: The fewest frequent words, or rare letters, that make a guess.
_SURE: Final = 1

#: More of the messages than this says nothing new.
_LOOKED_AT: Final = 2000


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Frequent words and greetings. Those that languages share leave the choice to the others.
_WORDS: Final = {
    "et": "ja ei on kas ma sa te mis kui ning aga see et oli olen oled mul teie tere palun aitäh"
    " tänan kus millal kuidas palju saab saan sooviksin tahaksin homme täna võib või ka veel siis"
    " jah hei hommikust päevast õhtust tsau mida miks avatud kell head minu",
    "en": "the is and you are do does what when where how can i have my please thanks thank hello"
    " hi hey open to of in for it this that would could want need yes today tomorrow there much"
    " with me your not be",
    "fi": "ja ei on se mitä kun että ovat olen onko voiko missä milloin miten paljonko moi hei"
    " kiitos minä sinä kuinka haluan haluaisin tänään huomenna kyllä ole mutta myös voi teillä"
    " päivää huomenta auki",
    "lv": "un ir kas vai kā kur kad es jūs man jums labdien lūdzu paldies cik šodien rīt varu"
    " vēlos ar par no uz nav arī bet labvakar labrīt sveicināti sveiki"
    " čau strādā",
    "lt": "ir yra kas ar kaip kur kada aš jūs man jums laba labas diena prašau prašom ačiū"
    " kiek šiandien rytoj galiu noriu su apie iš nėra taip bet labą dieną sveiki norėčiau"
    " dirbate",
    "de": "und ist der die das ich sie nicht ein eine wie was wann wo haben kann ja nein bitte"
    " danke hallo guten tag heute morgen möchte mit für auf sind es zu geöffnet gibt",
    "sv": "och är det jag inte en ett som vad när var hur kan ni du hej tack snälla idag imorgon"
    " vill på för med har till av öppet god dag ja nej",
    "pl": "i jest nie czy co kiedy gdzie jak ile dzień dobry proszę dziękuję cześć dziś jutro mogę"
    " chcę się na do z w to mam są tak witam chciałbym chciałabym państwo",
}
_LETTERS: Final = {
    "et": "õ",
    "fi": "",
    "lv": "āēīģķļņ",
    "lt": "ėįųęą",
    "de": "ß",
    "sv": "å",
    "pl": "łżźśćńęą",
    "en": "",
}


def _turned(parts: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Part → the languages that have it, of language → its parts."""
    known = {language: frozenset(own) for language, own in parts.items()}
    return {
        part: tuple(language for language, own in known.items() if part in own)
        for part in frozenset().union(*known.values())
    }


_OF_WORD: Final = _turned({language: words.split() for language, words in _WORDS.items()})
_OF_LETTER: Final = _turned(_LETTERS)


_UKRAINIAN: Final = frozenset("іїєґ")
_RUSSIAN: Final = frozenset("ыэёъ")
_UKRAINIAN_WORDS: Final = _set("та що як де коли чи дякую так це добрий")
_RUSSIAN_WORDS: Final = _set("и что как где когда ли спасибо да это добрый мне вы")


def guess_language(texts: Sequence[str], default: str) -> str:
    """The language of the messages, or ``default`` (BCP 47) when they do not tell.

    Tells Estonian, English, Russian, Ukrainian, Finnish, Latvian, Lithuanian, German, Swedish and
    Polish apart, by alphabet, rare letters and frequent words. Cyrillic that could be either is
    Russian, unless the default is Ukrainian. Two languages that fit equally well give the
    default.
    """
    text = unicodedata.normalize("NFC", " ".join(texts)[-_LOOKED_AT:].lower())
    # Addresses and names are of no language.
    words = re.findall(r"[^\W\d_]+", re.sub(r"\S*(?:@|://|www\.)\S*", " ", text))
    cyrillic = sum(len(word) for word in words if "а" <= word[0] <= "ӿ")  # noqa: RUF001
    if 2 * cyrillic > sum(map(len, words)):
        return _of_cyrillic(words, default)
    points = _points(words)
    first, second = sorted(points.values(), reverse=True)[:2]
    if first < _SURE or first == second:
        return default
    return max(points, key=lambda language: points[language])


def _points(words: Sequence[str]) -> dict[str, int]:
    """By language, how much speaks for it. In one go for all of them: users wait for it."""
    letters = dict.fromkeys(_WORDS, 0)
    for character in "".join(words):
        for language in _OF_LETTER.get(character, ()):
            letters[language] += 1
    points = {language: min(count, _MOST_FOR_LETTERS) for language, count in letters.items()}
    for word in words:
        for language in _OF_WORD.get(word, ()):
            points[language] += 1
    return points


def _of_cyrillic(words: Sequence[str], default: str) -> str:
    letters = set("".join(words))
    # A letter that the other alphabet does not have says more than a word.
    ukrainian = 2 * len(letters & _UKRAINIAN) + sum(word in _UKRAINIAN_WORDS for word in words)
    russian = 2 * len(letters & _RUSSIAN) + sum(word in _RUSSIAN_WORDS for word in words)
    if ukrainian == russian:
        return default if _base(default) in ("ru", "uk") else "ru"
    return "uk" if ukrainian > russian else "ru"


def _base(tag: str) -> str:
    return tag.lower().partition("-")[0]
