"""What the pretend model makes of a prompt that asks for a caption or for a choice of pictures.

It writes from what the prompt holds, in the language that is asked for: what the event's data say,
what the picture shows, and the line of the persona or the facts that fits best.
"""

import json
import re
from dataclasses import dataclass

from vestlus.simulator import languages, persona_match
from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.model_request import Prompt
from vestlus.simulator.picture_match import what_is_seen
from vestlus.simulator.prompt_sections import ListedPicture, read_sections

LANGUAGE = re.compile(r'BCP 47 tag "([A-Za-z0-9-]+)"')
COUNT = re.compile(r"Choose exactly (\d+)")
SHOWN = re.compile(r"(?m)^The post has a picture of this: (.+)$")
# What a caption would be refused for, where the prompt gives it only as data.
LOOKS_LIKE_A_LINK = re.compile(r"://|\w\.[^\W\d_]{2,}|\w@\w|\[[a-z]")
# "Announce that the hall is open." asks for "The hall is open."
TO_SAY = re.compile(
    r"(?im)^\W*(?:teata|kirjuta|ütle|announce|say|tell|write|сообщи|скажи|напиши)\w*,? "
    r"(?:et|that|что) (?P<said>[^\n]+?[.!?])(?=\s|$)"
)
TITLES = ("title", "name", "headline", "pealkiri", "nimi")
MOST_DETAILS = 4
LONGEST_DETAIL = 200
MOST_LINES = 2
TAG_WEIGHT, TOPIC_WEIGHT = 2, 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What a prompt for a post holds."""

    task: str
    event: tuple[tuple[str, str], ...]
    shown: tuple[str, ...]
    offered: tuple[ListedPicture, ...]
    count: int
    language: str


def wants_caption(schema: JsonObject | None) -> bool:
    """Tell whether a caption or a choice of pictures is asked for."""
    properties = schema.get("properties") if schema else None
    return isinstance(properties, dict) and bool({"caption", "pictures"} & properties.keys())


def caption_output(prompt: Prompt) -> str:
    """Return the JSON that answers such a prompt; the same for the same prompt."""
    asked = _read(prompt)
    chosen = _choose(asked)
    properties = prompt.schema.get("properties") if prompt.schema else None
    wanted = properties if isinstance(properties, dict) else {}
    shows = asked.shown or tuple(each.shows for each in chosen)
    body: JsonObject = {}
    if "pictures" in wanted:
        ids: list[Json] = [each.id for each in chosen]
        body["pictures"] = ids
    if "caption" in wanted:
        body["caption"] = _caption(prompt, asked, shows)
    if "language" in wanted:
        body["language"] = asked.language
    return json.dumps(body, ensure_ascii=False)


def _read(prompt: Prompt) -> Asked:
    said = "\n".join(prompt.unanswered)
    language = LANGUAGE.search(prompt.instructions)
    count = COUNT.search(prompt.instructions)
    return Asked(
        task=_between(said, "task"),
        event=tuple(_pairs(_between(said, "event"))),
        shown=tuple(SHOWN.findall(said)),
        offered=read_sections(prompt.instructions).pictures,
        count=int(count[1]) if count else 0,
        language=language[1] if language else "et",
    )


def _between(text: str, tag: str) -> str:
    found = re.search(rf"(?s)<{tag}>\n(.*?)\n</{tag}>", text)
    return found[1] if found else ""


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return the event's texts and numbers by name, those inside of others too."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return []
    found: list[tuple[str, str]] = []

    def walk(name: str, one: Json) -> None:
        if isinstance(one, dict):
            for key, inner in one.items():
                walk(key, inner)
        elif isinstance(one, list):
            for inner in one:
                walk(name, inner)
        elif isinstance(one, str | int | float) and not isinstance(one, bool):
            found.append((name, " ".join(str(one).split())))

    walk("", value)
    return [(name, said) for name, said in found if said and not LOOKS_LIKE_A_LINK.search(said)]


def _choose(asked: Asked) -> list[ListedPicture]:
    """Return the pictures that share most with the task and the event; the first of equal ones."""
    wanted = languages.words(" ".join((asked.task, *(said for _, said in asked.event))))
    stems, topics = languages.stems(wanted), languages.topics(wanted)

    def likeness(picture: ListedPicture) -> int:
        shown, tagged = languages.words(picture.shows), languages.words(picture.tags)
        shared = len(stems & languages.stems(shown)) + TAG_WEIGHT * len(
            stems & languages.stems(tagged)
        )
        return shared + TOPIC_WEIGHT * len(topics & languages.topics([*shown, *tagged]))

    return sorted(asked.offered, key=lambda each: -likeness(each))[: asked.count]


def _caption(prompt: Prompt, asked: Asked, shows: tuple[str, ...]) -> str:
    base = asked.language.partition("-")[0].lower()
    lines = _lines(prompt, asked, base)
    to_say = TO_SAY.search(asked.task)
    titles = [said for name, said in asked.event if name.casefold() in TITLES]
    if to_say is not None and languages.guess_language(to_say["said"]) == base:
        said = re.sub("[“”]", "", to_say["said"])
        first = said[:1].upper() + said[1:]
    elif titles:
        details = [said[:LONGEST_DETAIL] for _, said in asked.event if said != titles[0]]
        first = _sentence(": ".join(filter(None, [titles[0], ", ".join(details[:MOST_DETAILS])])))
    else:
        first = languages.GREETING.get(base, "")
    pictured = " ".join(_sentence(what_is_seen(one, base)) for one in shows)
    paragraphs = [" ".join(filter(None, [first, *lines])), "" if lines else pictured]
    # What shows the picture is left where there is nothing else to say.
    return "\n\n".join(filter(None, paragraphs)) or languages.GREETING["en"]


def _lines(prompt: Prompt, asked: Asked, language: str) -> list[str]:
    """Return the account's lines that fit the task and the event best, of those in the language."""
    sections = read_sections(prompt.instructions)
    told, documents = (
        tuple("\n".join(_in_language(text, language)) for text in texts)
        for texts in (sections.told, sections.documents)
    )
    persona = persona_match.read_persona(told, documents)
    words = languages.words(" ".join((asked.task, *(said for _, said in asked.event))))
    return persona_match.best_lines(persona, words)[:MOST_LINES]


def _in_language(text: str, language: str) -> list[str]:
    """Return the lines of a text in a language, and its headings."""
    return [
        line
        for line in text.splitlines()
        if line.lstrip().startswith("#") or languages.guess_language(line) == language
    ]


def _sentence(text: str) -> str:
    return text if not text or text[-1] in ".!?…" else f"{text}."
