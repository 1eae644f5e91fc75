"""Access tokens: which open the Graph API, for whom and until when; exchanged and refreshed.

Meta, "Instagram API with Instagram Login: business login", "Access token", "Refresh access token".
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

from vestlus.simulator import graph_errors
from vestlus.simulator.jsontypes import JsonObject

HOUR, DAY = 3600.0, 86_400.0
# The life of each kind, and the age from which a long-lived token can be refreshed.
LIVES = {"short": HOUR, "long": 60 * DAY}
REFRESHED_FROM = DAY
# What Meta says of a token that was taken away, by subcode; the first unless told.
REVOKED = {
    460: "The session has been invalidated because the user changed their password",
    458: "The user has not authorized application",
    459: "The user is enrolled in a blocking, logged-in checkpoint",
    467: "Error validating access token: the token is invalid",
}


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says of itself; times are Unix seconds. `account` None: valid for all."""

    account: str | None
    kind: str
    issued: float
    expires: float
    number: int = 0


class TokenDesk:
    """Issues tokens, and knows which are good.

    Tokens bear what they say, signed: a restart of the simulator forgets none of them, only what
    was revoked. The configured `access_token` counts as a long-lived one in the middle of its life
    when the simulator starts, and so does `{access_token}.{account}` for each account.
    """

    def __init__(
        self,
        accounts: tuple[str, ...],
        *,
        access_token: str,
        app_secret: str,
        clock: Callable[[], float],
    ) -> None:
        self._accounts = accounts
        self._secret = app_secret
        self._key = access_token.encode()
        self._clock = clock
        middle = clock() - LIVES["long"] / 2
        self._configured = {
            given: Token(account, "long", middle, middle + LIVES["long"])
            for given, account in (
                (access_token, None),
                *((f"{access_token}.{account}", account) for account in accounts),
            )
        }
        self._revoked: dict[str, int] = {}
        self._all_revoked: tuple[float, int] | None = None
        self._number = 0

    def issue(
        self,
        account: str | None = None,
        kind: str = "long",
        *,
        age: float = 0.0,
        lives: float | None = None,
    ) -> str:
        """Make a token that was issued `age` seconds ago and lives for so many from now on."""
        now = self._clock()
        self._number += 1
        left = LIVES[kind] - age if lives is None else lives
        said = Token(account, kind, now - age, now + left, self._number)
        text = base64.urlsafe_b64encode(json.dumps(asdict(said)).encode()).decode().rstrip("=")
        return f"IGSIM{text}.{self._signature(text)}"

    def revoke(self, token: str | None, subcode: int) -> None:
        """Take one token away, or all that have been issued until now."""
        if token is None:
            self._all_revoked = (self._clock(), subcode)
        else:
            self._revoked[token] = subcode

    def good(self, token: str) -> Token:
        """Return what a token says, or raise the `GraphError` of one that is not good."""
        said = self._configured.get(token) or self._read(token)
        if said is None or (said.account is not None and said.account not in self._accounts):
            raise graph_errors.bad_token()
        subcode = self._revoked.get(token)
        if self._all_revoked is not None and said.issued <= self._all_revoked[0]:
            subcode = self._all_revoked[1]
        if subcode is not None:
            raise graph_errors.token_error(subcode, REVOKED[subcode])
        if said.expires <= self._clock():
            raise graph_errors.token_error(463, "Error validating access token: it has expired")
        return said

    def exchange(self, grant: str | None, secret: str | None, token: str | None) -> JsonObject:
        """Answer `GET /access_token`: a long-lived token for a short-lived one."""
        if grant != "ig_exchange_token":
            raise graph_errors.bad_parameter(name="grant_type")
        if secret is None or not hmac.compare_digest(secret.encode(), self._secret.encode()):
            raise graph_errors.bad_client_secret()
        said = self.good(token or "")
        if said.kind != "short":
            raise graph_errors.bad_session()
        return self._given(said.account)

    def refresh(self, grant: str | None, token: str | None) -> JsonObject:
        """Answer `GET /refresh_access_token`: a new long-lived token for an old one."""
        if grant != "ig_refresh_token":
            raise graph_errors.bad_parameter(name="grant_type")
        said = self.good(token or "")
        if said.kind != "long" or self._clock() - said.issued < REFRESHED_FROM:
            raise graph_errors.not_refreshable()
        return self._given(said.account)

    def _given(self, account: str | None) -> JsonObject:
        return {
            "access_token": self.issue(account),
            "token_type": "bearer",
            "expires_in": int(LIVES["long"]),
        }

    def _read(self, token: str) -> Token | None:
        text, _, signature = token.removeprefix("IGSIM").partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(text).encode()):
            return None
        return Token(**json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))

    def _signature(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
