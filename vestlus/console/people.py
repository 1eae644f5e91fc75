"""Who operates the service, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class Role(IntEnum):
    """What somebody may do; a higher one may do all that a lower one may."""

    #: Looks.
    VIEWER = 1
    #: Answers users, approves drafts, keeps pictures and posts.
    AGENT = 2
    #: Exports and erases, replays and discards dead letters, sees settings and the audit.
    ADMIN = 3

    @property
    def word(self) -> str:
        """As it is written in the store and in settings."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Self:
        """The role of that word. Raises KeyError."""
        return cls[word.upper()]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was let in. ``way`` is how: ``token``, ``oidc``, ``api``."""

    name: str
    role: Role
    way: str


#: Whoever has VESTLUS_OPERATOR_TOKEN may do everything.
TOKEN_ROLE = Role.ADMIN
