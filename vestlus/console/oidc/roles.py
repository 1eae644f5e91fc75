"""What an ID token's claims make of somebody here. Plain decisions over values that are checked
already, but may be of any shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vestlus.console.oidc.errors import NotLetIn
from vestlus.console.people import Role
from vestlus.settings_sign_in import Provider

#: Characters of a name in the audit.
LONGEST_NAME: Final = 120

#: What names a person where ``name`` does not: OpenID Connect Core 1.0, 5.1, and Microsoft's
#: "ID token claims reference".
_NAMES: Final = ("name", "preferred_username", "email", "upn", "sub")
_ADDRESSES: Final = ("email", "preferred_username", "upn")


def name_of(claims: Mapping[str, Any]) -> str:
    """How the audit names them: name and address, as far as they are there."""
    name = next(filter(None, (_text(claims.get(key)) for key in _NAMES)), "?")
    address = next(filter(None, (_text(claims.get(key)) for key in _ADDRESSES)), "")
    return (f"{name} <{address}>" if address and address != name else name)[:LONGEST_NAME]


def role_of(claims: Mapping[str, Any], provider: Provider) -> Role:
    """The highest role that a value of the claim stands for. Raises NotLetIn."""
    values = _values(_found(claims, provider.claim))
    for role, wanted in (
        (Role.ADMIN, provider.admin),
        (Role.AGENT, provider.agent),
        (Role.VIEWER, provider.viewer),
    ):
        if values & set(wanted):
            return role
    raise NotLetIn("too_many_groups" if _left_out(claims) else "no_role", name_of(claims))


def _found(claims: Mapping[str, Any], claim: str) -> object:
    """The claim of that name; else, with full stops, the one inside of others."""
    if claim in claims:
        return claims[claim]
    found: Any = claims
    for step in claim.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _values(value: object) -> set[str]:
    if isinstance(value, str):
        return {value}
    return {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()


def _left_out(claims: Mapping[str, Any]) -> bool:
    """Whether groups are too many for the token: Microsoft's "groups overage claim"."""
    names = claims.get("_claim_names")
    return claims.get("hasgroups") is True or (isinstance(names, Mapping) and "groups" in names)


def _text(value: object) -> str:
    """Text on one line, with nothing that does not show."""
    if not isinstance(value, str):
        return ""
    return "".join(one for one in " ".join(value.split()) if one.isprintable())
