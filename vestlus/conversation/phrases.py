"""What the service says in its own words, in the user's language."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from vestlus.conversation import phrases_east, phrases_west


class Phrase(StrEnum):
    """What can be said. In brackets: the values that go into it."""

    #: An automated assistant answers (``name`` of the account).
    DISCLOSURE = "disclosure"
    #: The same, where the account has no name.
    DISCLOSURE_NAMELESS = "disclosure_nameless"
    #: Where the privacy notice is (``url``).
    DISCLOSURE_PRIVACY = "disclosure_privacy"
    #: A person will answer.
    HANDOVER = "handover"
    #: People are not there now, and are back then (``when``, of ``when_words``).
    HANDOVER_HOURS = "handover_hours"
    #: No answer can be given now; a person will look at it.
    APOLOGY = "apology"
    #: No more answers for a while, because the user has had very many.
    LIMITED = "limited"
    #: To somebody in danger: where to get help at once.
    EMERGENCY = "emergency"
    #: This cannot be answered.
    UNSAFE = "unsafe"
    #: No more automated answers, and how to get them again.
    STOPPED = "stopped"
    #: Automated answers again.
    STARTED = "started"
    #: Whether everything is really to be erased, with the word that says so.
    DELETE_ASK = "delete_ask"
    #: The data of this conversation is erased, as far as the service holds it.
    DELETED = "deleted"
    #: The wish to have everything erased is recorded, and a person sees to it.
    DELETE_LATER = "delete_later"
    #: Under a caption that a model wrote and nobody read before it was published.
    CAPTION_LINE = "caption_line"


#: Language to phrase to text.
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {**phrases_west.TEXTS, **phrases_east.TEXTS}
)

#: The languages that are spoken here, BCP 47.
LANGUAGES: Final = tuple(_TEXTS)

#: What is spoken when neither the user's nor the account's language is.
LAST_RESORT: Final = "en"


def spoken_language(language: str, account_language: str = "") -> str:
    """The language of :data:`LANGUAGES` in which something is said.

    The first that is spoken here of: the language itself, its base (``en`` of ``en-GB``), the
    account's, its base, English. Empty tags are passed over.
    """
    for tag in (*_tags(language), *_tags(account_language)):
        if tag in _TEXTS:
            return tag
    return LAST_RESORT


def say(phrase: Phrase, language: str, /, *, account_language: str = "", **values: str) -> str:
    """A phrase in the language of :func:`spoken_language`, with its values in it.

    At most 300 bytes without the values. Raises KeyError when a value is missing.
    """
    return _TEXTS[spoken_language(language, account_language)][phrase].format_map(values)


def say_own(
    texts: Mapping[str, str],
    phrase: Phrase,
    language: str,
    /,
    *,
    account_language: str = "",
    **values: str,
) -> str:
    """As :func:`say`, but the account's own words (by language) go first.

    In the order of :func:`spoken_language`, own words before ours in each language, so that a
    user who is not understood in their own language is answered in the account's. Values go in
    place of their names in braces; other braces stay as they are.
    """
    own = {_plain(tag): text for tag, text in texts.items() if text.strip()}
    for tag in (*_tags(language), *_tags(account_language)):
        if tag in own:
            text = own[tag].strip()
            for name, value in values.items():
                text = text.replace(f"{{{name}}}", value)
            return text
        if tag in _TEXTS:
            break
    return say(phrase, language, account_language=account_language, **values)


def _plain(tag: str) -> str:
    return tag.strip().lower().replace("_", "-")


def _tags(tag: str) -> tuple[str, ...]:
    """The tag and its base, those that are not empty."""
    plain = _plain(tag)
    base = plain.partition("-")[0]
    return tuple(dict.fromkeys(one for one in (plain, base) if one))
