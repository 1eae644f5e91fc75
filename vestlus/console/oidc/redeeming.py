"""To the provider, and back with a code that is redeemed for who it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from authlib.integrations.base_client import OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from vestlus.clock import Clock
from vestlus.console.oidc.directory import Directory, Metadata, calling, claim_options
from vestlus.console.oidc.errors import NotLetIn, ProviderAway
from vestlus.console.oidc.flow import Flow

#: By how much the provider's clock may differ from ours, seconds.
LEEWAY_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser brings back in the query."""

    code: str
    state: str
    error: str = ""
    #: Who answers, where the provider says so (RFC 9207).
    issuer: str = ""


async def address_to(directory: Directory, flow: Flow) -> str:
    """Where the browser goes to sign in. Raises ProviderAway and ProviderUnfit."""
    metadata = await directory.metadata()
    async with directory.client(redirect_uri=flow.back) as client:
        address, _ = client.create_authorization_url(
            metadata.authorization_endpoint,
            state=flow.state,
            nonce=flow.nonce,
            code_verifier=flow.verifier,
        )
    return str(address)


async def redeemed(
    directory: Directory, flow: Flow, answer: Answer, clock: Clock
) -> Mapping[str, Any]:
    """The claims of whoever signed in there, all checked. Raises NotLetIn, ProviderAway and
    ProviderUnfit. ``flow.state`` has been compared.
    """
    if answer.error:
        raise NotLetIn("refused_there")
    metadata = await directory.metadata()
    if answer.issuer and answer.issuer != metadata.issuer:
        raise NotLetIn("issuer")
    token = await _token(directory, metadata, flow, answer.code)
    return await _checked(directory, metadata, token, flow.nonce, clock)


async def _token(
    directory: Directory, metadata: Metadata, flow: Flow, code: str
) -> Mapping[str, Any]:
    methods = metadata.token_endpoint_auth_methods_supported
    method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
    try:
        async with (
            calling("token"),
            directory.client(redirect_uri=flow.back, method=method) as client,
        ):
            token = await client.fetch_token(
                metadata.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=flow.verifier,
            )
    except OAuthError as error:
        # Of RFC 6749, 5.2, these speak of the code; the others of us.
        code_s = error.error in {"invalid_grant", "invalid_request"}
        raise (NotLetIn("code") if code_s else ProviderAway("client")) from error
    if not isinstance(token, Mapping) or not isinstance(token.get("id_token"), str):
        raise ProviderAway("token")
    return token


async def _checked(
    directory: Directory, metadata: Metadata, token: Mapping[str, Any], nonce: str, clock: Clock
) -> Mapping[str, Any]:
    """The claims of an ID token: OpenID Connect Core 1.0, 3.1.3.7."""
    try:
        try:
            read = _signed(token["id_token"], metadata, await directory.keys())
        except InvalidKeyIdError:
            # The provider has changed its keys since.
            read = _signed(token["id_token"], metadata, await directory.keys(anew=True))
        claims = CodeIDToken(
            read.claims,
            read.header,
            claim_options(metadata, directory.provider),
            {
                "nonce": nonce,
                "client_id": directory.provider.client_id,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(now=clock() // 1000, leeway=LEEWAY_SECONDS)
    except (JoseError, OAuthError, ValueError, TypeError, KeyError) as error:
        # What is in a token that was not written by the provider may be of any shape.
        raise NotLetIn("id_token") from error
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise NotLetIn("id_token")
    return dict(claims)


def _signed(value: str, metadata: Metadata, keys: KeySet) -> jwt.Token:
    registry = JWSRegistry(algorithms=metadata.signatures, strict_check_header=False)
    return jwt.decode(value, keys, registry=registry)
