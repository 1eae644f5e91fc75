"""The part of the control API that makes things go wrong, and counts them."""

import asyncio

from aiohttp import web

from vestlus.simulator import webhook_format
from vestlus.simulator.control_input import query_number
from vestlus.simulator.faults import FaultPlan
from vestlus.simulator.graph import GraphApi
from vestlus.simulator.graph_rate import Limits, RateMeter
from vestlus.simulator.jsontypes import (
    BadInputError,
    Json,
    JsonObject,
    get_flag,
    get_number,
    get_text,
    mentions,
    parse_object,
)
from vestlus.simulator.model import ModelApi
from vestlus.simulator.model_pace import Latency
from vestlus.simulator.moderation import ModerationApi
from vestlus.simulator.state import State
from vestlus.simulator.webhooks import WebhookSender

MOST_TIMES = 10_000
PARALLEL_POSTS = 50


class FaultControlApi:
    """Sets faults, limits, delays and batching, and tells what happened so far."""

    def __init__(
        self,
        state: State,
        webhooks: WebhookSender,
        *,
        graph: GraphApi,
        meter: RateMeter,
        model: ModelApi,
        moderation: ModerationApi,
        graph_faults: FaultPlan,
        model_faults: FaultPlan,
    ) -> None:
        self._state = state
        self._webhooks = webhooks
        self._graph = graph
        self._meter = meter
        self._model = model
        self._moderation = moderation
        self._graph_faults = graph_faults
        self._model_faults = model_faults

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.post("/control/faults", self.graph_faults),
            web.post("/control/limits", self.limits),
            web.post("/control/webhooks", self.webhooks),
            web.post("/control/webhooks/discard", self.discard),
            web.post("/control/model", self.model),
            web.post("/control/moderation", self.moderation),
            web.post("/control/raw-webhook", self.raw_webhook),
            web.get("/control/model-requests", self.model_requests),
            web.get("/control/model-turns", self.model_turns),
            web.get("/control/stats", self.stats),
        ]

    async def graph_faults(self, request: web.Request) -> web.Response:
        """Answer `POST /control/faults`."""
        body = parse_object(await request.read())
        clear = get_flag(body, "clear", default=False)
        self._graph_faults.change(body.get("rules", []), clear=clear)
        return web.json_response({"rules": self._graph_faults.to_json()})

    async def limits(self, request: web.Request) -> web.Response:
        """Answer `POST /control/limits`."""
        body = parse_object(await request.read())
        now = self._meter.limits
        self._meter.limits = Limits(
            _limit(body, "sends_per_second", now.sends_per_second),
            _limit(body, "conversations_per_second", now.conversations_per_second),
            _limit(body, "calls_per_hour", now.calls_per_hour),
        )
        new = self._meter.limits
        return web.json_response(
            {
                "sends_per_second": new.sends_per_second,
                "conversations_per_second": new.conversations_per_second,
                "calls_per_hour": new.calls_per_hour,
            }
        )

    async def webhooks(self, request: web.Request) -> web.Response:
        """Answer `POST /control/webhooks`."""
        self._webhooks.change(parse_object(await request.read()))
        return web.json_response(self._webhooks.settings.to_json())

    async def discard(self, _request: web.Request) -> web.Response:
        """Answer `POST /control/webhooks/discard`."""
        return web.json_response({"discarded": self._webhooks.discard()})

    async def model(self, request: web.Request) -> web.Response:
        """Answer `POST /control/model`."""
        body = parse_object(await request.read())
        latency = Latency.changed(self._model.latency, body)
        clear = get_flag(body, "clear", default=False)
        if "rate_limit" in body:
            self._model.rate.change(body["rate_limit"], self._model.now())
        self._model_faults.change(body.get("faults", []), clear=clear)
        self._model.latency = latency
        answer: JsonObject = {
            "latency_seconds": latency.to_json(),
            "rate_limit": self._model.rate.to_json(),
            "rules": self._model_faults.to_json(),
        }
        return web.json_response(answer)

    async def moderation(self, request: web.Request) -> web.Response:
        """Answer `POST /control/moderation`."""
        self._moderation.change(parse_object(await request.read()))
        return web.json_response(self._moderation.to_json())

    async def raw_webhook(self, request: web.Request) -> web.Response:
        """Answer `POST /control/raw-webhook`."""
        body = parse_object(await request.read())
        text = get_text(body, "body")
        if (text is None) == ("payload" not in body):
            message = "give either payload or body"
            raise BadInputError(message)
        raw = webhook_format.encode(body["payload"]) if text is None else text.encode()
        times = int(get_number(body, "times", 1, least=1))
        if times > MOST_TIMES:
            message = f"times must be at most {MOST_TIMES}"
            raise BadInputError(message)
        signature = self._signature(raw, get_text(body, "signature", "valid"))
        at_once = PARALLEL_POSTS if get_flag(body, "parallel", default=False) else 1
        slots = asyncio.Semaphore(at_once)

        async def post() -> Json:
            async with slots:
                status, said = await self._webhooks.post_raw(raw, signature)
            return {"status": max(status, 0), "body": said}

        responses = await asyncio.gather(*(post() for _ in range(times)))
        return web.json_response({"responses": responses})

    async def model_requests(self, request: web.Request) -> web.Response:
        """Answer `GET /control/model-requests`."""
        after, limit = query_number(request, "after", 0), query_number(request, "limit", 100)
        wanted = request.query.get("contains", "")
        newer = [each for each in self._model.log.requests if each.seq > after]
        found = [body for body in (each.to_json() for each in newer) if mentions(body, wanted)]
        return web.json_response({"requests": found[:limit]})

    async def model_turns(self, request: web.Request) -> web.Response:
        """Answer `GET /control/model-turns`."""
        turns = self._model.turns.after(query_number(request, "after", 0))
        return web.json_response({"turns": turns, "under_way": self._model.under_way})

    async def stats(self, _request: web.Request) -> web.Response:
        """Answer `GET /control/stats`."""
        written = [each for each in self._state.log if each.direction == "in"]
        api = sum(each.author == "api" for each in self._state.log)
        statuses: JsonObject = {str(key): n for key, n in sorted(self._webhooks.statuses.items())}
        body: JsonObject = {
            "users": len(self._state.users),
            "conversations": sum(bool(each.messages) for each in self._state.threads.values()),
            "messages_in": len(written),
            "messages_accepted": sum(each.accepted is not None for each in written),
            "messages_out_api": api,
            "messages_out_person": len(self._state.log) - len(written) - api,
            "webhooks_pending": self._webhooks.pending,
            "webhook_statuses": statuses,
            "webhook_duplicates": self._webhooks.troubles["duplicated"],
            "webhook_reordered": self._webhooks.troubles["reordered"],
            "webhook_delayed": self._webhooks.troubles["delayed"],
            "graph_calls": dict(self._graph.calls),
            "graph_faults_fired": dict(self._graph_faults.fired),
            "graph_faults_by_op": dict(self._graph_faults.fired_by_op),
            "graph_over_limit": dict(self._meter.refused),
            "model_calls": dict(self._model.calls),
            "model_under_way": self._model.under_way,
            "model_faults_fired": dict(self._model_faults.fired),
            "model": {
                "calls": dict(self._model.calls),
                "under_way": self._model.under_way,
                "cancelled": self._model.cancelled,
                "faults_fired": dict(self._model_faults.fired),
            },
        }
        return web.json_response(body)

    def _signature(self, raw: bytes, kind: str | None) -> str | None:
        if kind == "valid":
            return self._webhooks.sign(raw)
        if kind == "missing":
            return None
        if kind == "wrong":
            return webhook_format.sign(raw, "not the app secret")
        message = "signature must be valid, missing or wrong"
        raise BadInputError(message)


def _limit(body: JsonObject, name: str, now: float | None) -> float | None:
    if name not in body:
        return now
    return None if body[name] is None else get_number(body, name, 0)
