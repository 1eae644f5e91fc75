"""The console's main pages, in the order of its menu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vestlus.console.people import Role


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the menu, for those who have its role."""

    path: str
    #: The key of its words.
    name: str
    role: Role = Role.VIEWER

    def holds(self, path: str) -> bool:
        """Whether that page belongs to this entry."""
        return path == self.path or (self.path != "/console" and path.startswith(f"{self.path}/"))


PLACES: Final = (
    Place("/console", "nav.overview"),
    Place("/console/conversations", "nav.conversations"),
    Place("/console/posts", "nav.posts"),
    Place("/console/images", "nav.images"),
    Place("/console/events", "nav.events"),
    Place("/console/dead-letters", "nav.dead_letters"),
    Place("/console/erasures", "nav.erasures", Role.ADMIN),
    Place("/console/settings", "nav.settings", Role.ADMIN),
    Place("/console/audit", "nav.audit", Role.ADMIN),
)
