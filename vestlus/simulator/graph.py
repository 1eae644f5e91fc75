"""The Graph API: paths, tokens, reads, and the envelope around every answer."""

import random
from collections import Counter
from collections.abc import Mapping

from aiohttp import web

from vestlus.simulator import graph_errors
from vestlus.simulator.arrivals import Arrivals
from vestlus.simulator.faults import FaultPlan
from vestlus.simulator.graph_errors import GraphError
from vestlus.simulator.graph_publish import PublishApi
from vestlus.simulator.graph_rate import RateMeter, Started
from vestlus.simulator.graph_read import (
    NEWEST,
    GraphReader,
    parse_conversation_id,
    split_fields,
)
from vestlus.simulator.graph_send import (
    CutConnection,
    GarbageAnswer,
    SendApi,
    fail_after,
    fail_before,
)
from vestlus.simulator.jsontypes import BadInputError, Json, JsonObject, parse_object
from vestlus.simulator.records import Thread
from vestlus.simulator.state import State
from vestlus.simulator.tokens import TokenDesk
from vestlus.simulator.webhook_settings import SUBSCRIBABLE

PAGE = 25
MOST_PAGE = 100


def cut_connection(request: web.Request) -> web.Response:
    """Cut the connection; what is returned goes nowhere, but a handler must return something."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


class GraphApi:
    """Everything under `/graph/v{N}.0/`."""

    def __init__(
        self,
        state: State,
        sender: SendApi,
        publisher: PublishApi,
        meter: RateMeter,
        faults: FaultPlan,
        *,
        arrivals: Arrivals,
        tokens: TokenDesk,
        rng: random.Random,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self._state = state
        self._reader = GraphReader(state)
        self._sender = sender
        self._publisher = publisher
        self._meter = meter
        self._faults = faults
        self._arrivals = arrivals
        self._rng = rng
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [web.route("*", r"/graph/v{version:\d+}.0/{path:.*}", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer any call, errors in Meta's envelope, with the usage headers."""
        tick = self._state.next_tick()
        account = self._state.accounts[0]
        status = 200
        told: dict[str, str] = {}
        try:
            parameters = await _parameters(request)
            ago = self._arrivals.seconds_ago(request)
            started = Started(tick, self._state.clock() - ago, self._meter.clock() - ago)
            own = self._authorised(request, parameters)
            account = own or account
            path = request.match_info["path"].strip("/").split("/")
            if path[0] == "me":
                path[0] = account
            elif path[0] in self._state.accounts:
                if own is not None and path[0] != own:
                    raise graph_errors.no_object()
                account = path[0]
            elif own is None:
                account = self._publisher.owner(path[0]) or account
            body = await self._publishing(request.method, path, account, parameters)
            if body is None:
                body = await self._dispatch(request.method, path, account, parameters, started)
        except CutConnection:
            self.calls["cut"] += 1
            return cut_connection(request)
        except GarbageAnswer:
            self.calls["garbage"] += 1
            return web.Response(text="<html>no JSON</html>", content_type="text/html")
        except GraphError as error:
            status, body = error.status, error.envelope(self._trace_id())
            told = error.headers(account)
            self.calls[f"error {error.code}/{error.subcode or 0}"] += 1
        return web.json_response(body, status=status, headers=self._meter.headers(account) | told)

    async def _publishing(
        self, method: str, path: list[str], account: str, parameters: JsonObject
    ) -> JsonObject | None:
        """Answer a call of Content Publishing; None if it is another."""
        match method, path:
            case "POST", [node, "media"] if node == account:
                self.calls["media"] += 1
                return await self._publisher.create(account, parameters)
            case "POST", [node, "media_publish"] if node == account:
                self.calls["media_publish"] += 1
                return await self._publisher.publish(account, parameters)
            case "GET", [node, "media"] if node == account:
                self.calls["media_list"] += 1
                return await self._publisher.listed(account, _text(parameters, "limit"))
            case "GET", [node, "content_publishing_limit"] if node == account:
                self.calls["content_publishing_limit"] += 1
                return await self._publisher.quota(account)
            case "GET", [node] if self._publisher.knows(account, node):
                self.calls["container"] += 1
                return await self._publisher.status(account, node)
        return None

    async def _dispatch(
        self,
        method: str,
        path: list[str],
        account: str,
        parameters: JsonObject,
        started: Started,
    ) -> JsonObject:
        match method, path:
            case "POST", [node, "messages"] if node == account:
                self.calls["messages"] += 1
                return await self._sender.send(account, parameters, started)
            case "POST", [node, "message_attachments"] if node == account:
                self.calls["message_attachments"] += 1
                return await self._sender.upload(account, parameters, started)
            case "GET", [node, "conversations"] if node == account:
                self.calls["conversations"] += 1
                await self._admit_read(account, _text(parameters, "user_id"), started)
                return self._conversations(account, parameters)
            case _, [node, "subscribed_apps"] if node == account:
                self.calls["subscribed_apps"] += 1
                return self._subscribed_apps(method, account, parameters)
            case "GET", [node]:
                fields = _text(parameters, "fields") or ""
                return await self._node(node, account, fields, started)
        raise graph_errors.no_object()

    async def _node(self, node: str, account: str, fields: str, started: Started) -> JsonObject:
        lane = parse_conversation_id(node)
        wanted = split_fields(fields)
        names = [name for name, _, _ in wanted]
        if lane is not None:
            thread = self._state.threads.get(lane)
            if thread is None or not thread.messages:
                raise graph_errors.no_object()
            self.calls["conversation"] += 1
            await self._admit_read(lane[0], lane[1], started)
            body: JsonObject = {"id": node}
            for name, limit, inner in wanted:
                if name == "messages":
                    body["messages"] = {"data": self._reader.newest(thread, limit, inner)}
            return body
        message = self._state.by_mid.get(node)
        if message is not None and node == message.platform_mid:
            self.calls["message"] += 1
            await self._admit_read(message.account, message.user, started)
            newest = self._state.thread(message.account, message.user).messages[-NEWEST:]
            if message not in newest or message.unsent:
                raise graph_errors.deleted_message()
            return self._reader.message(message, names)
        self.calls["profile"] += 1
        if node in self._state.users and (account, node) not in self._state.threads:
            raise graph_errors.no_object()
        profile = self._reader.profile(node, names)
        if profile is None:
            raise graph_errors.no_object()
        return profile

    def _conversations(self, account: str, parameters: JsonObject) -> JsonObject:
        if _text(parameters, "platform") not in {None, "instagram"}:
            raise graph_errors.bad_parameter(name="platform")
        user = _text(parameters, "user_id")
        if user is not None:
            thread = self._state.threads.get((account, user))
            found = [thread] if thread is not None and thread.messages else []
            return {"data": self._reader.conversations(found)}
        threads: list[Thread] = [
            thread
            for (owner, _), thread in self._state.threads.items()
            if owner == account and thread.messages
        ]
        limit, after = (
            _text(parameters, "limit") or str(PAGE),
            _text(parameters, "after") or "0",
        )
        if not (limit.isdecimal() and after.isdecimal()):
            raise graph_errors.bad_parameter(name="limit")
        start, stop = int(after), int(after) + min(int(limit), MOST_PAGE)
        page: JsonObject = {"data": self._reader.conversations(threads)[start:stop]}
        if stop < len(threads):
            page["paging"] = {"cursors": {"after": str(stop)}}
        return page

    def _subscribed_apps(self, method: str, account: str, parameters: JsonObject) -> JsonObject:
        if method == "POST":
            given = _text(parameters, "subscribed_fields")
            if not given:
                raise graph_errors.bad_parameter(name="subscribed_fields")
            names = tuple(sorted({name.strip() for name in given.split(",")}))
            if not SUBSCRIBABLE.issuperset(names):
                raise graph_errors.bad_parameter(name="subscribed_fields")
            self._state.set_subscription(account, names)
            return {"success": True}
        if method == "DELETE":
            self._state.set_subscription(account, ())
            return {"success": True}
        fields: list[Json] = list(self._state.subscriptions[account])
        data: list[Json] = [{"id": "simulator", "subscribed_fields": fields}] if fields else []
        return {"data": data}

    async def _admit_read(self, account: str, user: str | None, started: Started) -> None:
        fault = self._faults.draw("conversations", account, user)
        await fail_before(fault)
        if fault is not None and fault.kind == "apply":
            raise graph_errors.unknown_error()
        if fault is not None and fault.kind in {"drop", "late"}:
            raise CutConnection
        fail_after(fault)
        if self._meter.used_up(account):
            raise graph_errors.used_up()
        if not self._meter.admit(account, "conversations", started.arrived):
            raise graph_errors.throttled()

    def _authorised(self, request: web.Request, parameters: JsonObject) -> str | None:
        """Return the account a token is bound to, or None for one valid for all."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            token = _text(parameters, "access_token") or ""
        return self._tokens.good(token).account

    def _trace_id(self) -> str:
        return "A" + self._rng.randbytes(11).hex()


async def _parameters(request: web.Request) -> JsonObject:
    """Return query and body in one: Meta takes JSON, forms and query strings alike."""
    parameters: JsonObject = dict(request.query)
    if request.method != "POST" or not request.can_read_body:
        return parameters
    try:
        if request.content_type == "application/json":
            return parameters | parse_object(await request.read())
        form: Mapping[str, object] = await request.post()
        for name, value in form.items():
            structured = isinstance(value, str) and value.startswith("{")
            parameters[name] = parse_object(str(value)) if structured else str(value)
    except (BadInputError, UnicodeDecodeError) as error:
        raise graph_errors.bad_parameter(name="body") from error
    return parameters


def _text(parameters: JsonObject, name: str) -> str | None:
    value = parameters.get(name)
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return value if isinstance(value, str) else None
