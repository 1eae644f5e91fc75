"""The parts of a prompt that stand between tags: persona, facts, knowledge, pictures."""

import re
from dataclasses import dataclass
from functools import lru_cache

SENT = re.compile(r"(?m)^Pictures already sent in this conversation: (.*?)\.?$")


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """One picture that an answer may have, as the prompt lists it."""

    id: str
    shows: str
    tags: str


@dataclass(frozen=True, slots=True)
class Sections:
    """What a prompt holds between its tags; `told` is all of it where there are no tags."""

    told: tuple[str, ...]
    documents: tuple[str, ...]
    pictures: tuple[ListedPicture, ...]
    sent: frozenset[str]


# Prompts of one account differ in little, and under load they are many.
@lru_cache(maxsize=256)
def read_sections(instructions: str) -> Sections:
    """Find the sections of a prompt.

    A mention of an opening tag elsewhere does no harm: a section begins at the last one before
    its end.
    """
    personas = _between(instructions, "persona")
    documents = _between(instructions, "knowledge") + _between(instructions, "facts")
    pictures = [
        _listed(line)
        for text in _between(instructions, "pictures")
        for line in text.splitlines()
        if "|" in line
    ]
    sent = [name.strip() for found in SENT.findall(instructions) for name in found.split(",")]
    tagged = personas or documents or pictures
    return Sections(
        told=tuple(personas if tagged else [instructions]),
        documents=tuple(documents),
        pictures=tuple(picture for picture in pictures if picture.id),
        sent=frozenset(sent),
    )


def _between(text: str, tag: str) -> list[str]:
    found: list[str] = []
    begin, end = f"<{tag}>", f"</{tag}>"
    folded = text.lower()
    place = 0
    while (stop := folded.find(end, place)) >= 0:
        start = folded.rfind(begin, place, stop)
        if start >= 0:
            found.append(text[start + len(begin) : stop])
        place = stop + len(end)
    return found


def _listed(line: str) -> ListedPicture:
    name, shows, tags = (part.strip() for part in (line + "||").split("|")[:3])
    return ListedPicture(name.lstrip("-* "), shows, tags)
