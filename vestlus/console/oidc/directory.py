"""What a provider publishes of itself: its addresses and its keys, kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from vestlus.clock import Clock
from vestlus.console.oidc.errors import ProviderAway, ProviderUnfit
from vestlus.settings_sign_in import Provider

#: What was read is used so long.
KEPT_MS: Final = 60 * 60 * 1000
#: Keys are asked for again so soon when a token names one that we do not have.
_KEYS_AGAIN_MS: Final = 60 * 1000
#: A provider that is away is not asked again so soon: nobody waits for what others found out.
_AWAY_MS: Final = 10 * 1000
#: Of each request to a provider.
TIMEOUT_SECONDS: Final = 10.0
#: Bytes of an answer.
_LARGEST: Final = 1024 * 1024

#: Signatures that only the provider can make: never "none", nor one that our own secret makes.
SIGNATURES: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)


class Metadata(BaseModel):
    """As far as it is used: OpenID Connect Discovery 1.0, section 3."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)

    @model_validator(mode="after")
    def _is_secure(self) -> Self:
        scheme = urlsplit(self.issuer).scheme
        for address in (
            self.authorization_endpoint,
            self.token_endpoint,
            self.jwks_uri,
            self.end_session_endpoint,
        ):
            if address and urlsplit(address).scheme not in {"https", scheme}:
                raise ValueError("must be https")
        return self

    @property
    def signatures(self) -> list[str]:
        """Those that the provider uses and we take."""
        return [one for one in SIGNATURES if one in self.id_token_signing_alg_values_supported]


class Directory:
    """One provider's addresses and keys. One per process and event loop."""

    def __init__(self, provider: Provider, clock: Clock) -> None:
        self.provider: Final = provider
        self._clock = clock
        self._lock = asyncio.Lock()
        self._metadata: Metadata | None = None
        self._metadata_ms = 0
        self._keys: KeySet | None = None
        self._keys_ms = 0
        self._away: ProviderAway | None = None
        self._away_ms = 0

    async def metadata(self) -> Metadata:
        """The provider's addresses. Raises ProviderAway and ProviderUnfit."""
        async with self._lock:
            if self._metadata is None or self._clock() - self._metadata_ms >= KEPT_MS:
                async with self._asking():
                    self._metadata = await self._discovered()
                self._metadata_ms = self._clock()
            return self._metadata

    async def keys(self, *, anew: bool = False) -> KeySet:
        """The keys that sign its tokens; ``anew`` when one is not among them, which is asked for
        once a minute at most. Raises as :meth:`metadata`.
        """
        metadata = await self.metadata()
        async with self._lock:
            age_ms = self._clock() - self._keys_ms
            if self._keys is None or age_ms >= (_KEYS_AGAIN_MS if anew else KEPT_MS):
                async with self._asking():
                    self._keys = await self._published(metadata)
                self._keys_ms = self._clock()
            return self._keys

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """Remembers that the provider is away, and raises it at once while it was just now."""
        if self._away is not None and self._clock() - self._away_ms < _AWAY_MS:
            raise ProviderAway(self._away.reason)
        try:
            yield
        except ProviderAway as error:
            self._away, self._away_ms = error, self._clock()
            raise
        self._away = None

    async def _discovered(self) -> Metadata:
        address = f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            metadata = Metadata.model_validate(await self._read(address))
        except ValidationError as error:
            raise ProviderUnfit("metadata") from error
        if metadata.issuer != self.provider.issuer:
            raise ProviderUnfit("other_issuer")
        if not metadata.signatures:
            raise ProviderUnfit("no_signature_that_we_take")
        return metadata

    async def _published(self, metadata: Metadata) -> KeySet:
        try:
            return KeySet.import_key_set(await self._read(metadata.jwks_uri))
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            # It is somebody else's JSON, and may be of any shape.
            raise ProviderAway("keys") from error

    async def _read(self, address: str) -> Any:  # noqa: ANN401 - JSON
        with_error = calling("discovery")
        async with with_error, self.client() as client:
            response = await client.request("GET", address, withhold_token=True)
            response.raise_for_status()
            if len(response.content) > _LARGEST:
                raise ProviderAway("discovery")
            return response.json()

    def client(self, *, redirect_uri: str | None = None, method: str | None = None) -> Any:  # noqa: ANN401 - untyped
        """A client of the provider, with PKCE (RFC 7636), for one call or a few."""
        secret = self.provider.client_secret
        return AsyncOAuth2Client(
            client_id=self.provider.client_id,
            client_secret=secret.get_secret_value() if secret else None,
            token_endpoint_auth_method=method if secret else "none",
            scope=" ".join(self.provider.scopes),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS,
        )


@asynccontextmanager
async def calling(what: str) -> AsyncIterator[None]:
    """What a call of the provider raises becomes ProviderAway; ``what`` is its reason."""
    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        # ValueError: no JSON.
        raise ProviderAway(what) from error


def claim_options(metadata: Metadata, provider: Provider) -> Mapping[str, Mapping[str, Any]]:
    """What an ID token must say of who wrote it and for whom."""
    return {
        "iss": {"essential": True, "value": metadata.issuer},
        "aud": {"essential": True, "value": provider.client_id},
    }
