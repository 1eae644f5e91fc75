"""What a session rests on: the settings that let its person in. When they change, it is over."""

from __future__ import annotations

import hmac
import json
import secrets
from functools import cached_property
from typing import Final

from vestlus.console.people import Role
from vestlus.keys import derived_key
from vestlus.settings import Settings
from vestlus.settings_sign_in import Provider
from vestlus.store.operator_rows import ConsoleSession

_PURPOSE: Final = "console sessions"


class Grounds:
    """Digests of the ways in, keyed, so that the store tells nothing of the operator token."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _key(self) -> bytes:
        return key_for(self._settings, _PURPOSE)

    @cached_property
    def token(self) -> str:
        """Of the operator token; empty where the console is not opened with it."""
        token = self._settings.operator_token
        if token is None or not self._settings.sign_in.token:
            return ""
        return self._digest("token", token.get_secret_value())

    def of(self, provider: Provider) -> str:
        """Of a provider: who it is, and whom it lets in as what."""
        terms = provider.model_dump(include={"issuer", "client_id", "claim", *_ROLES})
        return self._digest("oidc", json.dumps(terms, sort_keys=True))

    def hold(self, session: ConsoleSession) -> bool:
        """Whether what let that person in would do so now, as what they came."""
        known = {self.token} if session.way == "token" else self._providers
        return bool(session.grounds) and session.grounds in known and session.role in _ROLES

    @cached_property
    def _providers(self) -> frozenset[str]:
        return frozenset(self.of(one) for one in self._settings.sign_in.oidc)

    def _digest(self, kind: str, value: str) -> str:
        return hmac.new(self._key, f"{kind}\x00{value}".encode(), "sha256").hexdigest()


_ROLES: Final = frozenset(role.word for role in Role)

#: For processes without VESTLUS_ENCRYPTION_KEY, whose sessions end with them.
_PROCESS_KEY: Final = secrets.token_urlsafe(32)


def key_for(settings: Settings, purpose: str) -> bytes:
    """32 bytes for one purpose, the same in all replicas."""
    key = settings.encryption_key
    return derived_key(key.get_secret_value() if key else _PROCESS_KEY, purpose)
