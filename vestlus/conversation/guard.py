"""What a model's answer must not hold, whatever the model was talked into.

Nobody's word is taken for it: the answer is read again by plain code, after masked data was
restored and before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

from vestlus.conversation.guard_leaks import leaks, recites, shows_a_tag
from vestlus.conversation.guard_links import (
    Link,
    first_pages,
    is_given,
    links,
    readable,
    spelled_out,
    without_emails,
)
from vestlus.conversation.personal_data import ALL_KINDS, Found, Kind, canonical, found, values

_BETWEEN_DIGITS: Final = re.compile(r"(?<=[0-9])[\s()./–-]+(?=[0-9])")
_HOME: Final = "+372"

#: A name on Instagram behind an @, which is tapped as a link is.
_HANDLE: Final = re.compile(r"(?<![^\W_])@([a-z0-9._]{3,30})", re.IGNORECASE)
_LAST_IN_LINK: Final = re.compile(r"/@?([a-z0-9._]{3,30})", re.IGNORECASE)

#: Longer texts are documents and personas, the same for many answers. What is in messages, of 1,000
#: bytes, and in summaries, of 1,200 characters, is not kept beyond the answer.
_KEPT_FROM: Final = 2000


class Objection(StrEnum):
    """Why an answer must not be sent."""

    #: It sends people to a place that nobody gave it.
    LINK_NOT_GIVEN = "link_not_given"
    #: It names an address, a number, a code, an account or an @name that nobody gave it.
    PERSONAL_DATA_NOT_GIVEN = "personal_data_not_given"
    #: It tells what only the model was to read.
    PROMPT_LEAK = "prompt_leak"


def objection(
    text: str,
    *,
    given: Sequence[str],
    secret: Sequence[str],
    own: Sequence[str] = (),
    quotable: Sequence[str] = (),
) -> Objection | None:
    """The first reason against sending an answer, or ``None``.

    - ``given``: the account's own texts, which may be told: facts, persona, knowledge;
    - ``secret``: texts that only the model reads, the rules among them. What such a text holds
      for users (sections of facts, sentences with figures) may be told all the same;
    - ``quotable``: texts that may be quoted and not recited, such as a persona: see
      :func:`vestlus.conversation.guard_leaks.recites`;
    - ``own``: the user's own messages: their personal data may be said to them, their links may
      not be passed on as ours.

    Links are compared as :func:`vestlus.conversation.guard_links.is_given` says, and a given e-mail
    address gives its host's first page, unless it is the user's; personal data in whichever way
    it is written. An @name may also be the end of a given link, or a given text as a whole. A leak
    is at least 12 words that stand in a secret text in the same order, two changed words in a row
    at most, or 80 letters and digits however they are spaced; or a tag of the prompt.
    """
    plain = readable(text)
    if not _only_given_links(plain, given, own):
        return Objection.LINK_NOT_GIVEN
    spelled = spelled_out(plain)
    named = found(spelled, ALL_KINDS)
    if named and not _all_given(spelled, named, (*given, *own)):
        return Objection.PERSONAL_DATA_NOT_GIVEN
    if not _only_given_handles(spelled, given, own):
        return Objection.PERSONAL_DATA_NOT_GIVEN
    if (
        shows_a_tag(plain, (*secret, *quotable))
        or leaks(plain, given, secret)
        or recites(plain, quotable)
    ):
        return Objection.PROMPT_LEAK
    return None


def _only_given_links(text: str, given: Sequence[str], own: Sequence[str]) -> bool:
    sent_to = links(text)
    if not sent_to:
        return True
    hosts = {link.host for link in sent_to}
    lines = [line for one in given for line in readable(one).splitlines()]
    # The lines with those hosts first: they nearly always do, and the rest can be long.
    near = [line for line in lines if any(host in line.casefold() for host in hosts)]
    return _all_among(sent_to, near, own) or _all_among(sent_to, lines, own)


def _all_among(sent_to: Collection[Link], lines: Sequence[str], own: Sequence[str]) -> bool:
    text = "\n".join(lines)
    known = links(text)
    if all(is_given(link, known) for link in sent_to):
        return True
    # An address of the user's that was said to them once is no address of ours.
    theirs = first_pages(readable("\n".join(own)))
    known |= first_pages(spelled_out(text)) - theirs
    return all(is_given(link, known) for link in sent_to)


def _only_given_handles(text: str, given: Sequence[str], own: Sequence[str]) -> bool:
    named = _handles(text)
    if not named:
        return True
    known = {one.strip().lower() for one in given}
    for source in given:
        plain = spelled_out(readable(source))
        known |= _handles(plain) | _names(_LAST_IN_LINK, plain)
    for source in own:
        known |= _handles(spelled_out(readable(source)))
    return named <= known


def _handles(text: str) -> frozenset[str]:
    if "@" not in text:
        return frozenset()
    return _names(_HANDLE, without_emails(text))


def _names(pattern: re.Pattern[str], text: str) -> frozenset[str]:
    return frozenset(match.group(1).lower().rstrip(".") for match in pattern.finditer(text))


def _all_given(text: str, named: Sequence[Found], sources: Sequence[str]) -> bool:
    plain = [spelled_out(readable(source)) for source in sources]
    # The quick look first: it finds all but unusual spellings, and some that are not found as
    # numbers (64 520-20).
    digits = " ".join(_BETWEEN_DIGITS.sub("", source) for source in plain)
    addresses = " ".join(source.casefold() for source in plain if "@" in source)
    known: set[tuple[str, str]] | None = None
    for one in named:
        value = canonical(one.kind, text[one.start : one.end])
        number = value.removeprefix(_HOME).lstrip("+")
        if one.kind == Kind.EMAIL and re.search(rf"(?<![\w.+-]){re.escape(value)}\b", addresses):
            continue
        if one.kind not in (Kind.EMAIL, Kind.IBAN) and re.search(
            rf"(?<![0-9])(?:{_HOME[1:]}|00|0)*{number}(?![0-9])", digits
        ):
            continue
        if known is None:
            known = set().union(*map(_values, plain))
        if (one.kind, value) not in known:
            return False
    return True


def _values(text: str) -> frozenset[tuple[str, str]]:
    return _kept_values(text) if len(text) > _KEPT_FROM else values(text, ALL_KINDS)


@lru_cache(maxsize=64)  # telephone numbers take long to find: 0.5 s in 40,000 characters of them
def _kept_values(text: str) -> frozenset[tuple[str, str]]:
    return values(text, ALL_KINDS)
