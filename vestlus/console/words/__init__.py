"""The console's words, Estonian and English side by side, a module for each part.

A part's words are ``{key: (Estonian, English)}`` and its keys begin with the part's name. Values
are put in as ``str.format`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from itertools import chain
from typing import Final

from vestlus.console.words import (
    actions,
    audit,
    conversations,
    dead_letters,
    events,
    frame,
    images,
    outcomes,
    overview,
    post_problems,
    posts,
    reasons,
    settings,
    sign_in,
    steps,
    user_data,
)

Words = Mapping[str, tuple[str, str]]


class Language(StrEnum):
    """A language of the console."""

    ESTONIAN = "et"
    ENGLISH = "en"


#: Word → language.
LANGUAGES: Final = {str(one): one for one in Language}

#: Where nobody asks for another one.
USUAL: Final = Language.ESTONIAN

_PARTS: Final[tuple[Words, ...]] = (
    frame.WORDS,
    sign_in.WORDS,
    audit.WORDS,
    actions.WORDS,
    outcomes.WORDS,
    steps.WORDS,
    settings.WORDS,
    dead_letters.WORDS,
    overview.WORDS,
    conversations.WORDS,
    reasons.WORDS,
    posts.WORDS,
    post_problems.WORDS,
    images.WORDS,
    events.WORDS,
    user_data.WORDS,
)

_ALL: Final[dict[str, tuple[str, str]]] = dict(chain.from_iterable(one.items() for one in _PARTS))


def known(key: str) -> bool:
    """Whether there are words of that key."""
    return key in _ALL


def words(language: Language, key: str, **values: object) -> str:
    """What is said in that language. Raises KeyError for a key or value that is missing."""
    estonian, english = _ALL[key]
    text = estonian if language is Language.ESTONIAN else english
    return text.format(**values) if values else text


def parts() -> tuple[Words, ...]:
    """The words of each part."""
    return _PARTS
