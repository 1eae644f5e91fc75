"""Who is let into the console: the table ``[sign_in]`` of ``vestlus.toml``."""

from __future__ import annotations

import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from vestlus.settings_values import OptionalText, Text, address, blank_is_missing, comma_separated

#: Values of a claim, as text with commas or as a list.
Values = Annotated[tuple[str, ...], BeforeValidator(comma_separated)]


def _slug(value: str) -> str:
    """A word for addresses."""
    if not re.fullmatch(r"[a-z0-9](-?[a-z0-9]){0,31}", value):
        raise ValueError("must be small letters a-z and digits, with single hyphens between them")
    return value


def _issuer(value: str) -> str:
    """An issuer as OpenID Connect Discovery 1.0 has it: https, no query, no fragment. Plain http
    is for a provider on this very machine.
    """
    address(value, ("https", "http"))
    parts = urlsplit(value)
    if parts.query or parts.fragment or parts.username:
        raise ValueError("must be an address without user, ? and #")
    if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError("must start with https://")
    return value


class Provider(BaseModel):
    """Somebody who says who people are, by OpenID Connect: ``[sign_in.oidc]``, or several
    ``[[sign_in.oidc]]``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    #: In addresses, as that to which the provider sends people back.
    name: Annotated[str, AfterValidator(_slug)] = "oidc"
    #: What the button says.
    label: Text = "OpenID Connect"
    #: Exactly as the provider's tokens have it.
    issuer: Annotated[str, AfterValidator(_issuer)]
    client_id: Text
    client_secret: Annotated[SecretStr | None, BeforeValidator(blank_is_missing)] = None
    #: The claim of the ID token that says what somebody may do.
    claim: Text = "roles"
    #: Its values for each of our roles.
    viewer: Values = ()
    agent: Values = ()
    admin: Values = ()
    scopes: Values = ("openid", "profile", "email")

    @field_validator("scopes")
    @classmethod
    def _asks_for_an_id_token(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError("must have openid among them")
        return value

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> Self:
        if not (self.viewer or self.agent or self.admin):
            raise ValueError(
                "needs values of the claim for viewer, agent or admin: else nobody may"
            )
        return self


def _one_or_more(value: object) -> object:
    """A single table is a list of one."""
    return [value] if isinstance(value, dict) else value


class SignIn(BaseModel):
    """How people get into the console. ``docs/sign-in.md`` has the table."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    #: Whether VESTLUS_OPERATOR_TOKEN opens the console. The API always takes it.
    token: bool = True
    #: The console's own address, where it is not that of VESTLUS_PUBLIC_URL.
    console_url: OptionalText = None
    #: How many proxies of yours stand before the service, each adding to X-Forwarded-For.
    proxies: Annotated[int, Field(ge=0, le=10)] = 0
    oidc: Annotated[tuple[Provider, ...], BeforeValidator(_one_or_more)] = ()

    @field_validator("console_url")
    @classmethod
    def _http_address(cls, value: str | None) -> str | None:
        checked = address(value, ("http", "https"))
        return checked.rstrip("/") if checked else checked

    @model_validator(mode="after")
    def _somebody_can_come(self) -> Self:
        names = [one.name for one in self.oidc]
        if len(set(names)) < len(names):
            raise ValueError("oidc: each needs a name of its own")
        if not (self.token or self.oidc):
            raise ValueError("token: can be false only where there is oidc, else nobody gets in")
        return self
