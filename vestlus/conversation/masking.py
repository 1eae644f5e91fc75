"""Keeping personal data from a model: tokens go out in its place, and come back as the data."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from vestlus.conversation.personal_data import Kind, canonical, found

_NAMES = {
    Kind.PERSONAL_CODE: "personal-code",
    Kind.CARD: "card",
    Kind.PHONE: "phone",
    Kind.EMAIL: "email",
}

#: A token as a model may give it back: another case, spaces, another dash.
_TOKEN = re.compile(
    r"\[\s{0,3}(personal[\s_-]?code|card|phone|e-?mail)\s{0,3}[-_\u2010-\u2014\u2212\s]\s{0,3}"
    r"([0-9]{1,9})\s{0,3}\]",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Masked:
    """Texts without the personal data, which only :meth:`restore` knows.

    ``repr`` does not show the data. Lives as long as one question to a model.
    """

    texts: tuple[str, ...]
    #: Token, as :func:`mask` writes it, to what it stands for.
    values: Mapping[str, str] = field(repr=False)

    def restore(self, text: str) -> str:
        """Puts the data back in place of its tokens; other words in brackets stay.

        Case, spaces and the kind of dash in a token do not matter; its brackets do.
        """
        return _TOKEN.sub(lambda match: self.values.get(_key(match), match.group()), text)


def mask(
    texts: Sequence[str],
    kinds: Collection[str],
    known: Collection[tuple[str, str]] = frozenset(),
) -> Masked:
    """Puts tokens such as ``[email-1]`` in place of personal data of these kinds, which are some
    of ``MASKABLE_KINDS``.

    ``known``: kinds and canonical values, as ``personal_data.values`` gives them, that are no
    secret and stay, however they are written.

    The same spelling of a value has the same token in all the texts; another spelling has
    another, so that restoring a masked text gives exactly that text. What somebody wrote to look
    like a token is nobody's: its number is never given to a value.
    """
    taken = {_key(match) for text in texts for match in _TOKEN.finditer(text)}
    tokens: dict[tuple[str, str], str] = {}
    counts = dict.fromkeys(_NAMES, 0)

    def token(kind: Kind, written: str) -> str:
        known = tokens.get((kind, written))
        while known is None:
            counts[kind] += 1
            candidate = f"[{_NAMES[kind]}-{counts[kind]}]"
            if candidate not in taken:
                known = tokens[kind, written] = candidate
        return known

    masked = []
    for text in texts:
        pieces, place = [], 0
        for one in found(text, kinds):
            written = text[one.start : one.end]
            if known and (one.kind, canonical(one.kind, written)) in known:
                continue
            pieces += [text[place : one.start], token(Kind(one.kind), written)]
            place = one.end
        masked.append("".join([*pieces, text[place:]]))
    return Masked(tuple(masked), {known: written for (_, written), known in tokens.items()})


def _key(match: re.Match[str]) -> str:
    """The token as :func:`mask` would write it."""
    name = re.sub(r"[^a-z]", "", match.group(1).lower()).replace("personalcode", "personal-code")
    return f"[{name}-{int(match.group(2))}]"
