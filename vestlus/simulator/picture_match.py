"""Which picture of the prompt's list a pretend model answers with."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from vestlus.simulator import languages
from vestlus.simulator.prompt_sections import ListedPicture, Sections

ASKS_FOR_PICTURE = re.compile(
    r"(?i)\b(pilt|pildi|pilte|pildid|foto|fotot|fotosid|näita|photo|picture|pic\b|image|show me"
    r"|фото|картин|изображ|покаж)"
)
ASKS_AGAIN = re.compile(r"(?i)\b(uuesti|veel ?kord|again|once more|ещё раз|еще раз|снова)\b")
# Of what a user wrote without asking for a picture, so much must be in a line that fits clearly.
CLEARLY = 2 / 3
FEWEST_STEMS = 2
HERE_IT_IS = {"et": "Siin on pilt.", "en": "Here is a picture.", "ru": "Вот фото."}
THERE_IS_NONE = {
    "et": "Sellist pilti mul kahjuks ei ole.",
    "en": "I am sorry, I have no such picture.",
    "ru": "К сожалению, такого фото у меня нет.",  # noqa: RUF001
}
# In a line that says what a picture shows: the next language, and for which answers it fits.
NEXT_LANGUAGE = re.compile(r"\s/\s")
WHEN_IT_FITS = re.compile(r"(?i),? (?:sobib|подходит)\b.*|, for\b.*|(?<=[.!?])\s.*")
# What goes with the wish and says nothing of what is to be seen.
WISH_WORDS = languages.word_set(
    "palun saada saadad saatke saata kas veel üks ühe mõni mõne mingi mulle näita näidata teil"
    " pilt pildi pilte pilti pildid foto fotot fotosid sama uuesti tere tahaks sooviks näha sul"
    " please send me a an another one more some any picture pictures photo photos image images"
    " show same again hello hi have got see could would like you can i the of from on"
    " пожалуйста пришлите пришли покажите покажи фото фотографию картинку ещё еще одно один одну"
    " мне же ту тот есть хочу можно"
)


@dataclass(frozen=True, slots=True)
class PictureChoice:
    """What is shown, if anything, and what is said about it."""

    picture: str | None = None
    said: str = ""


def choose_picture(sections: Sections, texts: Sequence[str], language: str) -> PictureChoice:
    """Choose a picture for what a user wrote: asked for in words, or clearly about its line.

    One that was sent already is not chosen, unless it is asked for again. A wish for any picture
    at all gets the first one.
    """
    text = " ".join(texts)
    asked = ASKS_FOR_PICTURE.search(text) is not None
    wanted = _stems(text)
    again = ASKS_AGAIN.search(text) is not None
    free = [each for each in sections.pictures if again or each.id not in sections.sent]
    scored = [(len(wanted & _stems(f"{each.shows} {each.tags}")), each) for each in free]
    score, best = max(scored, key=lambda pair: pair[0], default=(0, None))
    if asked and not wanted and best is not None:
        return _shown(free[0], language)
    if best is not None and score and (asked or _is_clear(score, len(wanted))):
        return _shown(best, language)
    if asked and sections.pictures:
        return PictureChoice(said=THERE_IS_NONE[language])
    return PictureChoice()


def what_is_seen(shows: str, language: str) -> str:
    """Return what a line says is to be seen, in the language if it has that; not when to use it."""
    parts = NEXT_LANGUAGE.split(shows)
    fitting = [part for part in parts if languages.guess_language(part) == language]
    return WHEN_IT_FITS.sub("", (fitting or parts)[0].strip(), count=1)


def _is_clear(score: int, wanted: int) -> bool:
    return score >= FEWEST_STEMS and score >= CLEARLY * wanted


def _shown(picture: ListedPicture, language: str) -> PictureChoice:
    # Its line tells whoever chooses when it fits, and is not for users.
    return PictureChoice(picture.id, HERE_IT_IS[language])


@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    return languages.stems(word for word in languages.words(text) if word not in WISH_WORDS)
