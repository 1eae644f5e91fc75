"""Words the pretend model knows in Estonian, English and Russian, and which language a text is in.

Estonian inflects, so topic words are written as stems and matched as prefixes.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from vestlus.simulator.markers import MARKER

LANGUAGES = ("et", "en", "ru")

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")

# topic -> stems. A stem of up to three letters must match whole.
TOPICS: dict[str, tuple[str, ...]] = {
    "hours": (
        *(
            "avat",
            "avam",
            "avate",
            "lahtiole",
            "lahti",
            "kella",
            "kell",
            "kaua",
            "sulge",
            "suleta",
        ),
        *("tööaeg", "tööaja", "open", "opening", "hours", "close", "closing", "until"),
        *("откры", "закры", "работаете", "часы", "график", "режим"),
    ),
    "address": (
        *(
            "aadress",
            "asub",
            "asute",
            "kus",
            "asukoh",
            "address",
            "where",
            "located",
            "location",
        ),
        *("direction", "адрес", "где", "находит", "располож"),
    ),
    "phone": (
        *(
            "telefon",
            "number",
            "helista",
            "phone",
            "call",
            "телефон",
            "номер",
            "позвон",
        ),
        *("tel", "mobiil"),
    ),
    "price": (
        *(
            "hind",
            "hinna",
            "hinda",
            "maksab",
            "maksma",
            "palju",
            "kallis",
            "price",
            "cost",
            "much",
        ),
        *("fee", "pilet", "ticket", "цен", "стои", "стоимост", "билет"),
    ),
    "email": ("epost", "posti", "meili", "email", "mail", "почт", "имейл", "емейл"),
}
# What a line that answers a topic looks like.
SHAPES: dict[str, re.Pattern[str]] = {
    "hours": re.compile(
        r"\b\d{1,2}([.:]\d{2})?\s*[-\u2013\u2014]\s*\d{1,2}([.:]\d{2})?\b(?!\s*(€|eur))"
        r"|\b\d{1,2}[.:]\d{2}\b(?!\s*(€|eur))"
    ),
    "address": re.compile(
        r"(?i)(\b(tn|tee|mnt|pst|tänav|street|st|road|ул|улица)\b|tänav|maantee|puiestee)[^\n]*\d"
        r"|\d[^\n]*\b(street|road)\b"
    ),
    "phone": re.compile(r"\+?\d[\d ]{5,}\d"),
    "price": re.compile(r"(?i)\d\s*(€|eur\b|euro|евро)|€\s*\d|\btasuta\b|\bfree\b|бесплатн"),
    "email": re.compile(r"\S+@\S+\.\w+"),
}
GREETINGS: dict[str, tuple[str, ...]] = {
    "et": ("tere", "tervist", "tsau", "tšau", "hommikust", "päevast", "õhtust"),
    "en": ("hello", "hi", "hey"),
    "ru": ("привет", "здравствуйте", "добрый", "здравствуй"),
}
GREETING_WORDS = frozenset(word for group in GREETINGS.values() for word in group)
ASKS_FOR_PERSON = re.compile(
    r"(?i)inimesega|klienditeeninda|päris inimes|\bhuman\b|real person|\boperator"
    r"|оператор|с человеком"  # noqa: RUF001  (Russian)
)
# What a service answers with a fixed text, in which no marker can be.
CONTROL_WORDS = re.compile(
    r"(?i)^\W*(stop|start|unsubscribe|stopp|lõpeta|alusta|peata|jätka|стоп|старт|начать"
    r"|delete my data|erase my data|kustuta (mu|minu) andmed|удали(те)? мои данные)\W*$"
)
THANKS = ("aitäh", "tänan", "tänud", "thanks", "thank", "спасибо")
# Lines of a persona that tell how to answer are not answers.
BEGINS_ORDER = re.compile(
    r"(?i)(ära|ärge|kui vastust|vasta|räägi|sa oled|sina oled|you are (?:an?|the)|ты"
    r"|never|do not|don['’]t|answer|if the answer"
    r"|никогда|отвечай|отвечайте)\b"
)
HEADS_ORDERS = re.compile(r"(?i)kuidas vastata|reegl|how to answer|rules|tone|как отвечать|правила")
GREETING = {"et": "Tere!", "en": "Hello!", "ru": "Здравствуйте!"}
OFFER_HELP = {
    "et": "Kuidas saan aidata?",
    "en": "How can I help?",
    "ru": "Чем могу помочь?",
}
UNKNOWN = {
    "et": "Seda ma kahjuks ei tea. Kui soovid, annan vestluse üle inimesele.",
    "en": "I am sorry, I do not know that. If you like, I can pass you on to a person.",
    "ru": "К сожалению, я этого не знаю. Если хотите, я передам разговор человеку.",  # noqa: RUF001
}
# Before an answer that has no word of Russian, for who asked in it.
IN_RUSSIAN = "Вот что я знаю:"
WELCOME = {
    "et": "Palun! Kui on veel küsimusi, kirjutage julgelt.",
    "en": "You are welcome! Write whenever you have more questions.",
    "ru": "Пожалуйста! Если будут ещё вопросы, пишите.",
}
HANDED_OVER = {
    "et": "Annan vestluse üle inimesele.",
    "en": "I am passing you on to a person.",
    "ru": "Передаю разговор человеку.",
}
PICTURE = {
    "et": "Aitäh pildi eest! Kuidas saan aidata?",
    "en": "Thank you for the picture! How can I help?",
    "ru": "Спасибо за фото! Чем могу помочь?",
}


def word_set(listed: str) -> frozenset[str]:
    """Return the words of a text, so that tables read as prose."""
    return frozenset(listed.split())


# Two words are taken as one when they share this many letters at the start.
COMMON_PREFIX = 5
STOP_WORDS = word_set(
    "ja on ei kas mis kui te teie ma mina see et või aga siis oma the is are you your do does a an"
    " and or to of in on for it i we can what when how и в не что как вы я это на ли с у вас"  # noqa: RUF001
)

ENGLISH_WORDS = word_set(
    "the is are you your do does what when where how much and a i to of it can hello hi hey my"
    " open price address please thanks thank"
)
ESTONIAN_WORDS = word_set(
    "ja on ei kas mis kus kui palju te teie ma mina see tere aitäh palun kell millal olete mul"
    " kellani maksab hind aadress saab kuidas"
)


def words(text: str) -> list[str]:
    """Split a text into words, case folded, in any alphabet."""
    return list(_words(text))


# Many users of a load test write the same.
@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    return tuple(word.casefold() for word in WORD.findall(text))


def guess_language(text: str) -> str:
    """Guess `et`, `en` or `ru`; Estonian when nothing speaks for another."""
    letters = [char for char in text if char.isalpha()]
    cyrillic = sum("\u0400" <= char <= "\u04ff" for char in letters)
    if letters and cyrillic * 2 > len(letters):
        return "ru"
    found = words(text)
    english = sum(word in ENGLISH_WORDS for word in found)
    estonian = sum(word in ESTONIAN_WORDS for word in found)
    estonian += sum(char in "äõöü" for char in text.casefold())
    return "en" if english > estonian else "et"


def stems(found: Iterable[str]) -> frozenset[str]:
    """Return the beginnings of the words that mean something."""
    return frozenset(
        word[:COMMON_PREFIX] for word in found if word not in STOP_WORDS and len(word) > 1
    )


def has_stem(word: str, stems: Iterable[str]) -> bool:
    """Tell whether a word begins with one of the stems; short stems must match whole."""
    return any(
        word == stem or (len(stem) > 3 and word.startswith(stem))  # noqa: PLR2004
        for stem in stems
    )


def topics(found: Iterable[str]) -> set[str]:
    """Return the topics that some word belongs to."""
    return set().union(*(_topics_of(word) for word in found))


@lru_cache(maxsize=16_384)
def _topics_of(word: str) -> frozenset[str]:
    return frozenset(topic for topic, stems in TOPICS.items() if has_stem(word, stems))


def is_greeting(found: Iterable[str]) -> bool:
    """Tell whether a text greets."""
    return any(word in GREETING_WORDS for word in found)


def takes_fixed_answer(text: str) -> bool:
    """Tell whether a text is a word of command, or asks for a person."""
    plain = MARKER.sub(" ", text).strip()
    return bool(CONTROL_WORDS.match(plain) or ASKS_FOR_PERSON.search(plain))


def is_thanks(found: Iterable[str]) -> bool:
    """Tell whether a text thanks."""
    return any(word in THANKS for word in found)
