"""What is wrong with what somebody wants, for people and for programs.

The tree, below ``VestlusError``::

    DeskError
    ├── Refused       it cannot be done as it is; nothing was changed; names all that is wrong
    └── NotThere      there is none of that id
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vestlus.errors import VestlusError


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to mend."""

    #: A stable word, by which it can be said in other languages, with ``values``.
    reason: str
    #: A sentence in English, which begins with a small letter.
    words: str
    #: The field that it is about; empty for the whole.
    place: str = ""
    values: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.place}: {self.words}" if self.place else self.words


class DeskError(VestlusError):
    """Base of what desks refuse."""


class Refused(DeskError):
    """It cannot be done; nothing was changed. ``problems`` has all that is wrong."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))

    @property
    def reason(self) -> str:
        """The word of the first problem."""
        return self.problems[0].reason


class NotThere(DeskError):
    """There is none of that id."""
