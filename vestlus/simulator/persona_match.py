"""Finds the lines of a persona that answer a question, without any model."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from vestlus.simulator import languages
from vestlus.simulator.markers import MARKER, find_markers
from vestlus.simulator.picture_match import WISH_WORDS, choose_picture
from vestlus.simulator.prompt_sections import read_sections

# How a prompt may put what came with a message, in words of its own: [image], [replying to: “…”].
PLACEHOLDER = re.compile(r"\[[a-z][^\[\]]*\]")
PICTURE_PLACEHOLDER = re.compile(r"\[(?:image|a picture)\b")
CYRILLIC = re.compile(r"[\u0400-\u04ff]")
MOST_LINES = 3
# "Tere päevast, Mari!" asks nothing; more words than this do, even without a question mark.
MOST_SMALL_TALK = 3
SHAPE_SCORE = 4.0
TOPIC_SCORE = 2.0
# Below this only a word that most lines have agrees.
LEAST_SCORE = 1.0
# A document's paragraph longer than this is answered with sentence by sentence.
LONGEST_LINE = 240
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


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
    """What the pretend model says, and the picture it shows, if any."""

    text: str
    language: str
    wants_person: bool
    picture: str | None = None


@lru_cache(maxsize=64)
def read_persona(told: tuple[str, ...], documents: tuple[str, ...]) -> Persona:
    """Split texts into lines that may be answers.

    Headings are not answers, nor are lines of a persona that tell how to answer: those under a
    heading that says so, and those that begin as an order.
    """
    lines: list[Line] = []
    orders = False
    for raw in (line for text in told for line in text.splitlines()):
        text = raw.strip().lstrip("-*•").strip()
        if raw.lstrip().startswith("#"):
            orders = languages.HEADS_ORDERS.search(text) is not None
        elif text and not orders and not languages.BEGINS_ORDER.match(text):
            lines.append(_read_line(text))
    for raw in (line for text in documents for line in text.splitlines()):
        text = raw.strip().lstrip("-*•").strip()
        if text and not raw.lstrip().startswith(("#", "[")):
            pieces = [text] if len(text) <= LONGEST_LINE else SENTENCE_END.split(text)
            lines += [_read_line(piece) for piece in pieces]
    counts = Counter(stem for line in lines for stem in line.stems)
    weights = {stem: math.log(1 + (len(lines) + 1) / count) for stem, count in counts.items()}
    return Persona(tuple(lines), weights)


def _read_line(text: str) -> Line:
    found = languages.words(text)
    shapes = {topic for topic, shape in languages.SHAPES.items() if shape.search(text)}
    return Line(text, languages.stems(found), frozenset(languages.topics(found)), frozenset(shapes))


def answer(
    instructions: str,
    messages: Sequence[str],
    *,
    picture: bool = False,
    seen: Sequence[str] = (),
) -> Answer:
    """Answer the messages a user has written since the last answer, all at once.

    Args:
        instructions: The prompt: persona, facts, knowledge, pictures.
        messages: Texts in order; their markers come back at the end of the answer.
        picture: Whether one of them is a picture.
        seen: What was seen of each picture, such as `[image 640x480]`; part of the answer.

    """
    picture = picture or any(PICTURE_PLACEHOLDER.search(text) for text in messages)
    written = [PLACEHOLDER.sub(" ", text) for text in messages]
    markers = [marker for text in written for marker in find_markers(text)]
    texts = [MARKER.sub(" ", text) for text in written]
    language = languages.guess_language(" ".join(texts))
    wants_person = any(languages.ASKS_FOR_PERSON.search(text) for text in texts)
    if wants_person:
        said, shown = languages.HANDED_OVER[language], None
    else:
        sections = read_sections(instructions)
        persona = read_persona(sections.told, sections.documents)
        chosen = choose_picture(sections, texts, language)
        said = _say(persona, texts, language, picture=picture, about_picture=chosen.said)
        shown = chosen.picture
    if language == "ru" and not CYRILLIC.search(said):
        said = f"{languages.IN_RUSSIAN} {said}"
    return Answer(" ".join([said, *seen, *markers]), language, wants_person, shown)


def _say(
    persona: Persona,
    texts: Sequence[str],
    language: str,
    *,
    picture: bool,
    about_picture: str = "",
) -> str:
    found = [languages.words(text) for text in texts]
    greets = any(languages.is_greeting(each) for each in found)
    if about_picture:
        # The words of the wish say nothing of what is asked.
        found = [[word for word in each if word not in WISH_WORDS] for each in found]
    lines: list[str] = []
    for each in found:
        lines += [line for line in best_lines(persona, each) if line not in lines]
    if lines or about_picture:
        said = " ".join(filter(None, [*lines[:MOST_LINES], about_picture]))
        return f"{languages.GREETING[language]} {said}" if greets else said
    asks = any("?" in text for text in texts) or any(
        len(languages.stems(each)) > MOST_SMALL_TALK for each in found
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
    stems = languages.stems(found)
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
