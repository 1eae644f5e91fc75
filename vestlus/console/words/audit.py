"""Words of the audit's page."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "audit.at": ("Millal", "When"),
    "audit.person": ("Kes", "Who"),
    "audit.way": ("Kuidas tuldi", "How they came"),
    "audit.way.token": ("märgiga", "token"),
    "audit.way.oidc": ("OpenID Connect", "OpenID Connect"),
    "audit.way.api": ("API kaudu", "API"),
    "audit.way.meta": ("Meta kaudu", "by Meta"),
    "audit.way.chat": ("kasutaja ise vestluses", "the user, in the chat"),
    "audit.way.command": ("käsurealt", "command line"),
    "audit.action": ("Tegevus", "Action"),
    "audit.target": ("Mille kohta", "On what"),
    "audit.outcome": ("Tulemus", "Outcome"),
    "audit.since": ("Alates päevast ({zone})", "From day ({zone})"),
    "audit.until": ("Kuni päevani ({zone})", "To day ({zone})"),
    "audit.any": ("kõik", "any"),
    "audit.filter": ("Näita", "Show"),
    "audit.csv": ("Laadi alla CSV-failina", "Download as CSV"),
    "audit.json": ("Laadi alla JSON-ridadena", "Download as JSON lines"),
    "audit.none": ("Selliseid tegevusi ei ole.", "There are no such entries."),
    "audit.pages": ("Leheküljed", "Pages"),
    "audit.newest": ("Uusimad", "Newest"),
    "audit.older": ("Varasemad", "Older"),
}
