"""Codes that the program writes, in words: reasons, actions, outcomes, steps. A code for which
there are no words is shown as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from vestlus.console.words import Language, known, words
from vestlus.console.words.reasons import HANDED_OVER
from vestlus.store.erasing import BY_META, BY_USER

#: ``wants_to_be_erased (CODE): what was said``: a code, more of it, and words of somebody's.
_NOTE: Final = re.compile(r"([a-z][a-z_]*)(?: \(([^()]*)\))?(?:: (.+))?", re.DOTALL)
#: ``graph_100``, ``http_502``.
_NUMBERED: Final = re.compile(r"(graph_|http_)(\d+)")
#: Names that are nobody's.
_NOBODIES: Final = {BY_USER: "user", BY_META: "meta", "deauthorize": "meta"}
#: Steps of which the name of who did it was written down.
_NAMING: Final = frozenset({"replayed", "discarded"})


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes in the words of a language."""

    language: Language

    def reason(self, reason: str) -> str:
        """Why something was not done."""
        if numbered := _NUMBERED.fullmatch(reason):
            return words(self.language, f"reasons.{numbered[1]}", number=numbered[2])
        code, mark, rest = reason.partition(": ")
        if known(f"reasons.{rest}"):
            return words(self.language, f"reasons.{rest}")
        if known(f"reasons.{code}"):
            return words(self.language, f"reasons.{code}") + mark + rest
        return reason

    def note(self, note: str) -> str:
        """What a person is told who is waited for: a code of a hand-over before the user's words.

        A note of the model's stays as it is, unless it begins as if with such a code.
        """
        read = _NOTE.fullmatch(note)
        if read is None or read[1] not in HANDED_OVER:
            return note
        said = words(self.language, f"reasons.{read[1]}")
        more = f" ({read[2]})" if read[2] else ""
        return f"{said[:1].upper()}{said[1:]}{more}" + (f": {read[3]}" if read[3] else "")

    def action(self, action: str) -> str:
        """What the audit calls an action."""
        key = f"actions.{action}"
        return words(self.language, key) if known(key) else action

    def outcome(self, outcome: str) -> str:
        """What came of it: a word of its own, or the key of what its page said."""
        key = f"outcomes.{outcome}"
        if known(key):
            return words(self.language, key)
        if not known(outcome):
            return outcome
        said = words(self.language, outcome)
        # With which values a page said it is not kept.
        return words(self.language, "outcomes.refused") if "{" in said else said

    def step(self, what: str, detail: str) -> str:
        """A step that led to a dead letter, with what was written down of it."""
        key = f"steps.{what}"
        said = words(self.language, key) if known(key) else what
        if what == "replay_refused":
            code, _, by = detail.partition(" ")
            detail = self.outcome(code) + (f" ({by})" if by else "")
        elif what not in _NAMING:
            detail = self.reason(detail)
        return f"{said}: {detail}" if detail else said

    def source(self, source: str) -> str:
        """Where a dead letter came from: a queue and its partition, or a table."""
        name, _, number = source.partition(".")
        key = f"steps.source.{name}"
        return words(self.language, key, number=number).strip() if known(key) else source

    def person(self, person: str) -> str:
        """Who did something; users and Meta are never named."""
        nobody = _NOBODIES.get(person)
        return words(self.language, f"user_data.by.{nobody}") if nobody else person

    def value(self, key: str, value: object) -> str:
        """A value of a schedule's definition."""
        if isinstance(value, bool):
            return words(self.language, f"posts.schedule.value.{'yes' if value else 'no'}")
        if isinstance(value, list | tuple):
            return ", ".join(map(str, value))
        chosen = f"posts.schedule.value.{key}.{value}"
        return words(self.language, chosen) if known(chosen) else str(value)
