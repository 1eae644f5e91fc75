"""Finds the lines of a persona that answer a question, without any model."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from vestlus.simulator import languages
from vestlus.simulator.markers import MARKER, find_markers

PERSONA = re.compile(r"<persona>(.*?)</persona>", re.DOTALL | re.IGNORECASE)
# How a prompt may put what a model without eyes cannot see: [image], [video].
PLACEHOLDER = re.compile(r"\[[a-z ]+\]")
MOST_LINES = 3
# "Tere päevast, Mari!" asks nothing; more words than this do, even without a question mark.
MOST_SMALL_TALK = 3
# Two words of Estonian are taken as one when they share this many letters at the start.
COMMON_PREFIX = 5
SHAPE_SCORE = 4.0
TOPIC_SCORE = 2.0
# Below this only a word that most lines have agrees.
LEAST_SCORE = 1.0
STOP_WORDS = languages.word_set(
    "ja on ei kas mis kui te teie ma mina see et või aga siis oma the is are you your do does a an"
    " and or to of in on for it i we can what when how и в не что как вы я это на ли с у вас"  # noqa: RUF001
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the persona and what it is about."""

    text: str
    stems: frozenset[str]
    topics: frozenset[str]
    shapes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Persona:
    """The lines of a persona, with how rare each word is among them."""

    lines: tuple[Line, ...]
    weights: dict[str, float]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the pretend model says."""

    text: str
    language: str
    wants_person: bool


@lru_cache(maxsize=64)
def read_persona(instructions: str) -> Persona:
    """Split instructions into lines; only the part in `<persona>` if there is one.

    Headings are not answers, nor are lines that tell how to answer: those under a heading that
    says so, and those that begin as an order.
    """
    inside = PERSONA.search(instructions)
    lines: list[Line] = []
    orders = False
    for raw in (inside.group(1) if inside else instructions).splitlines():
        text = raw.strip().lstrip("-*•").strip()
        if raw.lstrip().startswith("#"):
            orders = languages.HEADS_ORDERS.search(text) is not None
        elif text and not orders and not languages.BEGINS_ORDER.match(text):
            lines.append(_read_line(text))
    counts = Counter(stem for line in lines for stem in line.stems)
    weights = {stem: math.log(1 + (len(lines) + 1) / count) for stem, count in counts.items()}
    return Persona(tuple(lines), weights)


def _read_line(text: str) -> Line:
    found = languages.words(text)
    shapes = {topic for topic, shape in languages.SHAPES.items() if shape.search(text)}
    return Line(text, _stems(found), frozenset(languages.topics(found)), frozenset(shapes))


def answer(instructions: str, messages: Sequence[str], *, picture: bool = False) -> Answer:
    """Answer the messages a user has written since the last answer, all at once.

    Args:
        instructions: The persona.
        messages: Texts in order; their markers come back at the end of the answer.
        picture: Whether one of them is a picture.

    """
    markers = [marker for text in messages for marker in find_markers(text)]
    picture = picture or any("[image]" in text for text in messages)
    texts = [PLACEHOLDER.sub(" ", MARKER.sub(" ", text)) for text in messages]
    language = languages.guess_language(" ".join(texts))
    wants_person = any(languages.ASKS_FOR_PERSON.search(text) for text in texts)
    said = _say(read_persona(instructions), texts, language, picture=picture)
    if wants_person:
        said = languages.HANDED_OVER[language]
    return Answer(" ".join([said, *markers]), language, wants_person)


def _say(persona: Persona, texts: Sequence[str], language: str, *, picture: bool) -> str:
    found = [languages.words(text) for text in texts]
    greets = any(languages.is_greeting(each) for each in found)
    lines: list[str] = []
    for each in found:
        lines += [line for line in best_lines(persona, each) if line not in lines]
    if lines:
        said = " ".join(lines[:MOST_LINES])
        return f"{languages.GREETING[language]} {said}" if greets else said
    asks = any("?" in text for text in texts) or any(
        len(_stems(each)) > MOST_SMALL_TALK for each in found
    )
    if asks or not (greets or picture or any(languages.is_thanks(each) for each in found)):
        said = languages.UNKNOWN[language]
    elif greets:
        said = languages.OFFER_HELP[language]
    else:
        said = languages.PICTURE[language] if picture else languages.WELCOME[language]
    return f"{languages.GREETING[language]} {said}" if greets else said


def best_lines(persona: Persona, found: Sequence[str]) -> list[str]:
    """Return the lines that match the words best: one, or one for each topic asked about."""
    asked = languages.topics(found)
    stems = _stems(found)
    if asked:
        picked = [_best(persona, stems, {topic}) for topic in sorted(asked)]
        strong = [line for score, line in picked if line and score > TOPIC_SCORE + LEAST_SCORE]
        if strong:
            return list(dict.fromkeys(strong))
    score, line = _best(persona, stems, asked)
    return [line] if line and score >= LEAST_SCORE else []


def _best(persona: Persona, stems: frozenset[str], asked: set[str]) -> tuple[float, str]:
    best = (0.0, "")
    for line in persona.lines:
        score = sum(persona.weights[stem] for stem in stems & line.stems)
        score += TOPIC_SCORE * len(asked & line.topics) + SHAPE_SCORE * len(asked & line.shapes)
        if score > best[0]:
            best = (score, line.text)
    return best


def _stems(found: Sequence[str]) -> frozenset[str]:
    return frozenset(
        word[:COMMON_PREFIX] for word in found if word not in STOP_WORDS and len(word) > 1
    )
