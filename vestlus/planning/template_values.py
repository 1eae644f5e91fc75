"""Values in templates: what may be done with them is bounded, and how they are printed."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from jinja2 import Undefined

#: Turns of loops, filters, sums, comparisons and pieces of output of one template.
MOST_STEPS: Final = 5_000

#: Characters of what a template comes to, and of any text on the way.
MOST_CHARACTERS: Final = 20_000

#: Numbers beyond it are no prices, counts or years.
_LARGEST: Final = 10**15
#: Nor is one beyond it an id.
_LONGEST: Final = 10**40

#: What makes a name or tag to tap of the word behind it, in all its forms, with the invisible
#: letters that may stand in between.
_SIGNS: Final = re.compile(
    r"[@\uff20\ufe6b#\uff03\ufe5f][@\uff20\ufe6b#\uff03\ufe5f\u200b-\u200f\u2060-\u2064\ufeff]*"
)
#: Such a word, or the end, behind which the next thing that is printed begins.
_WORD: Final = re.compile(r"\w|\Z")
#: Around what is printed of an event: two characters of which no text of any value has one.
OPENS: Final = "\ue000"
CLOSES: Final = "\ue001"
#: Control characters other than tab and newline, and those two.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ue000\ue001]")


class TooMuch(Exception):
    """A template asks for more than it may have. The message is for people."""


class AsIs(str):
    """A text that the template's author answers for: printed with its names, tags and links."""

    __slots__ = ()


class Budget:
    """What one rendering may still do."""

    def __init__(self) -> None:
        self._steps = MOST_STEPS
        self._characters = MOST_CHARACTERS

    def step(self) -> None:
        """Counts one step. Raises TooMuch."""
        self._steps -= 1
        if self._steps < 0:
            raise TooMuch("it takes too many steps")

    def piece(self, text: str) -> str:
        """Counts a piece of output. Raises TooMuch."""
        self.step()
        self._characters -= len(text)
        if self._characters < 0:
            raise TooMuch(f"it comes to more than {MOST_CHARACTERS} characters")
        return text


def printed(value: Any) -> str:  # noqa: ANN401 - any value of JSON
    """A value as a caption has it.

    Other systems' texts are data, and people of whom nobody knows may have written them. So
    ``@name`` and ``#tag`` in them, which would call upon others' accounts and pages, are printed
    without their signs, unless the template says ``|as_is``.
    """
    if value is None:
        return ""
    if isinstance(value, AsIs | Undefined):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | datetime):
        return value.isoformat(" ") if isinstance(value, datetime) else _digits(value)
    return f"{OPENS}{harmless(text_of(value))}{CLOSES}"


def quoted(value: Any) -> str:  # noqa: ANN401 - as above
    """A value as a prompt has it: on one line in quotes, so that it cannot pass for the task."""
    if not isinstance(value, str) or isinstance(value, AsIs):
        return printed(value)
    words = re.sub("[“”<>]", " ", harmless(text_of(value))).split()
    return f"“{OPENS}{' '.join(words)}{CLOSES}”"


def harmless(text: str) -> str:
    """A text without control characters and without the signs of names and tags.

    A single one within a word stays, as in addresses of e-mail.
    """

    def kept(match: re.Match[str]) -> str:
        signs, place = match.group(), match.start()
        within = len(signs) == 1 and place > 0 and match.string[place - 1].isalnum()
        return signs if within or not _WORD.match(match.string, match.end()) else ""

    return _SIGNS.sub(kept, plain(text))


def plain(text: str) -> str:
    """A text without control characters."""
    return _CONTROL.sub("", text)


def text_of(value: Any) -> str:  # noqa: ANN401 - as above
    """A text of bounded length. Raises TooMuch for what is no text."""
    if isinstance(value, Undefined):
        return str(value)  # raises, and names it
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _digits(value)
    if not isinstance(value, str):
        raise TooMuch("a list or a table is used as a text")
    return bounded(value)


def _digits(value: float) -> str:
    """A number as a text: other systems' ids are long ones."""
    if not -_LONGEST <= value <= _LONGEST:
        raise TooMuch("a number is too long")
    return str(value)


def number(value: Any) -> int | float:  # noqa: ANN401 - as above
    """A number of bounded size. Raises TooMuch for anything else."""
    if isinstance(value, Undefined):
        str(value)  # raises, and names it
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TooMuch("something that is no number is reckoned with")
    if not -_LARGEST <= value <= _LARGEST:
        raise TooMuch("a number is too large")
    return value


def bounded(*texts: str) -> str:
    """The texts together. Raises TooMuch before they are put together."""
    if sum(map(len, texts)) > MOST_CHARACTERS:
        raise TooMuch(f"a text is longer than {MOST_CHARACTERS} characters")
    return "".join(texts) if len(texts) > 1 else texts[0]
