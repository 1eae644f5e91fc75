"""The parts of a prompt that a program can find: texts of the account between tags.

Each tag stands alone on its line, and nowhere else in what is ours to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from vestlus.assistant.knowledge import Passage
from vestlus.assistant.pictures import OfferedPicture

#: The tags, wherever a text that is not the account's persona has one.
_TAGS: Final = re.compile(r"<\s*/?\s*(?:facts|persona|knowledge|pictures)\s*>", re.IGNORECASE)


def facts_section(facts: Iterable[str]) -> str:
    """The account's short facts, one a line; empty without any."""
    return _section("facts", (f"- {line}" for fact in facts if (line := one_line(fact))))


def named_persona(name: str, persona: str) -> str:
    """The account's name, and the persona verbatim."""
    named = f"The account's name: {one_line(name)}\n\n" if name else ""
    return f"{named}<persona>\n{persona}\n</persona>"


def knowledge_section(passages: Iterable[Passage]) -> str:
    """Passages of the account's documents, each after the name of its document; empty without."""
    return _section(
        "knowledge",
        (f"[{one_line(one.source)}]\n{_TAGS.sub('', one.text).strip()}" for one in passages),
    )


def pictures_section(pictures: Iterable[OfferedPicture]) -> str:
    """The pictures that an answer may have, ``ID | what it shows | tags``; empty without any."""
    return _section(
        "pictures",
        (f"{one.id} | {_cell(one.shows)} | {', '.join(map(_cell, one.tags))}" for one in pictures),
    )


def one_line(text: str) -> str:
    """The text on one line and without our tags, so that it cannot pass for a part of its own."""
    return " ".join(_TAGS.sub(" ", text).split())


def _section(name: str, lines: Iterable[str]) -> str:
    body = "\n".join(lines)
    return f"<{name}>\n{body}\n</{name}>" if body else ""


def _cell(text: str) -> str:
    return one_line(text).replace("|", "/")
