"""The part of the control API that gives tokens and takes them away."""

from aiohttp import web

from vestlus.simulator.control_input import account_id
from vestlus.simulator.jsontypes import (
    BadInputError,
    JsonObject,
    get_choice,
    get_number,
    get_text,
    parse_object,
)
from vestlus.simulator.state import State
from vestlus.simulator.tokens import LIVES, REVOKED, TokenDesk


class TokenControlApi:
    """Issues tokens as Meta's dashboard and login do, and revokes them."""

    def __init__(self, state: State, tokens: TokenDesk) -> None:
        self._state = state
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.post("/control/tokens", self.issue),
            web.post("/control/revoke-token", self.revoke),
        ]

    async def issue(self, request: web.Request) -> web.Response:
        """Answer `POST /control/tokens`."""
        body = parse_object(await request.read())
        account = get_text(body, "account")
        token = self._tokens.issue(
            None if account is None else account_id(self._state, account),
            get_choice(body, "kind", "long", tuple(LIVES)),
            age=get_number(body, "age_seconds", 0),
            lives=get_number(body, "lives_seconds", 0) if "lives_seconds" in body else None,
        )
        return web.json_response({"token": token})

    async def revoke(self, request: web.Request) -> web.Response:
        """Answer `POST /control/revoke-token`."""
        body = parse_object(await request.read())
        subcode = int(get_number(body, "subcode", next(iter(REVOKED))))
        if subcode not in REVOKED:
            message = f"subcode must be one of {', '.join(map(str, REVOKED))}"
            raise BadInputError(message)
        self._tokens.revoke(get_text(body, "token"), subcode)
        answer: JsonObject = {"subcode": subcode}
        return web.json_response(answer)
