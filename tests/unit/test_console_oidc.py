"""What claims make of somebody, what a sealed way holds, and what may be set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.integration.console_support import console_settings
from vestlus.console.oidc.errors import NotLetIn
from vestlus.console.oidc.flow import FLOW_SECONDS, Seal, begun
from vestlus.console.oidc.roles import LONGEST_NAME, name_of, role_of
from vestlus.console.people import Role
from vestlus.settings_sign_in import Provider, SignIn

ISSUER = "https://login.example/tenant/v2.0"


def provider(**changed: object) -> Provider:
    values = {"issuer": ISSUER, "client_id": "c", "admin": "A", "agent": "B,C", "viewer": ["D"]}
    return Provider.model_validate({**values, **changed})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["roles", "name", "email", "hasgroups", "sub"]), JSON))
def test_claims_of_any_shape_give_a_role_only_by_a_value_that_is_set(
    claims: dict[str, Any],
) -> None:
    assert len(name_of(claims)) <= LONGEST_NAME
    assert name_of(claims).isprintable()
    values = claims.get("roles")
    given_ = {values} if isinstance(values, str) else values if isinstance(values, list) else ()
    known = {"A": Role.ADMIN, "B": Role.AGENT, "C": Role.AGENT, "D": Role.VIEWER}
    roles = [known[one] for one in given_ if isinstance(one, str) and one in known]
    if roles:
        assert role_of(claims, provider()) is max(roles)
    else:
        with pytest.raises(NotLetIn):
            role_of(claims, provider())


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("groups", {"groups": ["x", "B"]}),
        ("realm_access.roles", {"realm_access": {"roles": ["B"]}}),
        ("https://vestlus.example/roles", {"https://vestlus.example/roles": "B"}),
    ],
)
def test_the_claim_may_be_any(claim: str, claims: dict[str, Any]) -> None:
    assert role_of(claims, provider(claim=claim)) is Role.AGENT


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Mari", "email": "m@e.ee"}, "Mari <m@e.ee>"),
        ({"name": "Mari", "preferred_username": "m@e.ee"}, "Mari <m@e.ee>"),
        ({"email": "m@e.ee"}, "m@e.ee"),
        ({"sub": "s1"}, "s1"),
        ({"name": " Mari\n\u202eM "}, "Mari M"),
        ({}, "?"),
    ],
)
def test_the_audit_has_name_and_address_where_they_are_there(
    claims: dict[str, Any], name: str
) -> None:
    assert name_of(claims) == name


def test_a_sealed_way_opens_for_ten_minutes_and_only_as_it_was(tmp_path: Path) -> None:
    seal = Seal(console_settings(tmp_path))
    flow = begun("entra", "https://console.example/back", "/console")
    sealed = seal.sealed(flow, 1_000_000)
    assert seal.opened(sealed, 1_000_000 + FLOW_SECONDS * 1000) == flow
    assert seal.opened(sealed, 1_000_000 + FLOW_SECONDS * 1000 + 1_000) is None
    assert seal.opened(sealed[:-4] + "AAAA", 1_000_000) is None
    other = Seal(console_settings(tmp_path, encryption_key="q" * 40))
    assert other.opened(sealed, 1_000_000) is None
    assert flow.verifier not in sealed


@given(st.text())
def test_no_cookie_that_was_made_up_opens(value: str) -> None:
    assert Seal(console_settings(Path("var"))).opened(value, 1_000) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "http://login.example"},
        {"issuer": "https://user@login.example"},
        {"issuer": "https://login.example?x"},
        {"issuer": "login.example"},
        {"admin": (), "agent": (), "viewer": ()},
        {"name": "Entra ID"},
        {"scopes": "profile"},
        {"client_id": " "},
        {"secret": "x"},
    ],
)
def test_a_provider_that_cannot_be_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        provider(**changed)


def test_a_single_table_is_one_provider_and_names_are_told_apart() -> None:
    table = provider().model_dump()
    assert len(SignIn.model_validate({"oidc": table}).oidc) == 1
    assert len(SignIn.model_validate({"oidc": [table, {**table, "name": "b"}]}).oidc) == 2
    for wrong in ({"oidc": [table, table]}, {"token": False}, {"oidc": "x"}, {"proxies": -1}):
        with pytest.raises(ValidationError):
            SignIn.model_validate(wrong)
