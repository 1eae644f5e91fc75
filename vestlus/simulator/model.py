"""The pretend model's HTTP interface, under `/openai/v1`."""

import asyncio
import base64
import json
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from aiohttp import web

from vestlus.simulator import model_replies, persona_match
from vestlus.simulator.embeddings import DIMENSIONS, embed
from vestlus.simulator.faults import Fault, FaultPlan
from vestlus.simulator.graph import cut_connection
from vestlus.simulator.jsontypes import (
    BadInputError,
    Json,
    JsonObject,
    as_list,
    get_number,
    parse_object,
)
from vestlus.simulator.model_replies import Output
from vestlus.simulator.model_request import Prompt, read_chat, read_responses
from vestlus.simulator.schema_instance import Filling, make_instance

log = structlog.get_logger(__name__)

KEPT_REQUESTS = 2000
MODELS = ("simulator", "simulator-embedding")
MOST_DIMENSIONS = 4096
REFUSAL = "I cannot help with that."


@dataclass(slots=True)
class RecordedRequest:
    """One request as it came; `status` is 0 when the connection was cut."""

    seq: int
    at: float
    path: str
    body: bytes
    status: int = 0

    def to_json(self) -> JsonObject:
        """Return the form of the control API; a body that is not JSON as a string."""
        try:
            body: Json = json.loads(self.body)
        except ValueError:
            body = self.body.decode("utf-8", "replace")
        return {
            "seq": self.seq,
            "at": self.at,
            "path": self.path,
            "status": self.status,
            "body": body,
        }


class ModelApi:
    """Answers from the persona in each request; keeps the last 2,000 requests."""

    def __init__(
        self, faults: FaultPlan, *, clock: Callable[[], float], rng: random.Random
    ) -> None:
        self.latency = (0.0, 0.0)
        self.requests: deque[RecordedRequest] = deque(maxlen=KEPT_REQUESTS)
        self.calls: Counter[str] = Counter()
        self._faults = faults
        self._clock = clock
        self._rng = rng
        self._count = 0
        self._under_way: dict[int, web.Request] = {}

    @property
    def under_way(self) -> int:
        """Calls that are being answered and whose caller is still there."""
        return sum(
            each.transport is not None and not each.transport.is_closing()
            for each in self._under_way.values()
        )

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.post("/openai/v1/responses", self.responses),
            web.post("/openai/v1/chat/completions", self.chat),
            web.post("/openai/v1/embeddings", self.embeddings),
            web.get("/openai/v1/models", self.models),
        ]

    async def responses(self, request: web.Request) -> web.Response:
        """Answer `POST /responses`."""
        return await self._complete(request, read_responses, model_replies.responses_body)

    async def chat(self, request: web.Request) -> web.Response:
        """Answer `POST /chat/completions`."""
        return await self._complete(request, read_chat, model_replies.chat_body)

    async def models(self, request: web.Request) -> web.Response:
        """Answer `GET /models`."""
        if not _has_key(request):
            return _no_key()
        data: list[Json] = [
            {"id": name, "object": "model", "created": 0, "owned_by": "simulator"}
            for name in MODELS
        ]
        return web.json_response({"object": "list", "data": data})

    async def embeddings(self, request: web.Request) -> web.Response:
        """Answer `POST /embeddings`, as numbers or base64."""
        recorded = await self._record(request)
        if not _has_key(request):
            return _finish(recorded, _no_key())
        try:
            body = parse_object(recorded.body)
            given = body.get("input")
            texts = as_list([given] if isinstance(given, str) else given, "input")
            size = _dimensions(body)
        except BadInputError as error:
            return _finish(recorded, _bad_request(error))
        data: list[Json] = []
        for index, text in enumerate(texts):
            vector = embed(str(text), size)
            in_base64 = body.get("encoding_format") == "base64"
            value: Json = base64.b64encode(vector.tobytes()).decode() if in_base64 else [*vector]
            data.append({"object": "embedding", "index": index, "embedding": value})
        used = sum(model_replies.tokens(len(str(text))) for text in texts)
        reply: JsonObject = {
            "object": "list",
            "model": body.get("model"),
            "data": data,
            "usage": {"prompt_tokens": used, "total_tokens": used},
        }
        return _finish(recorded, web.json_response(reply))

    async def _complete(
        self,
        request: web.Request,
        read: Callable[[JsonObject], Prompt],
        write: Callable[..., JsonObject],
    ) -> web.Response:
        self._under_way[id(request)] = request
        try:
            return await self._answer(request, read, write)
        finally:
            del self._under_way[id(request)]

    async def _answer(
        self,
        request: web.Request,
        read: Callable[[JsonObject], Prompt],
        write: Callable[..., JsonObject],
    ) -> web.Response:
        recorded = await self._record(request)
        if not _has_key(request):
            return _finish(recorded, _no_key())
        try:
            body = parse_object(recorded.body)
            prompt = read(body)
        except BadInputError as error:
            return _finish(recorded, _bad_request(error))
        wait = self._rng.uniform(*self.latency)
        if wait:
            await asyncio.sleep(wait)
        fault = self._faults.draw("model")
        if fault is not None and fault.kind == "hang":
            await asyncio.sleep(fault.seconds)
            return cut_connection(request)
        broken = _broken(fault)
        if broken is not None:
            return _finish(recorded, broken)
        reply = write(
            body,
            _output(prompt, fault),
            number=recorded.seq,
            now=self._clock(),
            prompt_characters=prompt.characters,
        )
        return _finish(recorded, web.json_response(reply))

    async def _record(self, request: web.Request) -> RecordedRequest:
        body = await request.read()
        self._count += 1
        path = request.path.removeprefix("/openai/v1")
        self.calls[path] += 1
        recorded = RecordedRequest(self._count, self._clock(), path, body)
        self.requests.append(recorded)
        return recorded


def _dimensions(body: JsonObject) -> int:
    size = int(get_number(body, "dimensions", DIMENSIONS, least=1))
    if size > MOST_DIMENSIONS:
        message = f"dimensions must be at most {MOST_DIMENSIONS}"
        raise BadInputError(message)
    return size


def _output(prompt: Prompt, fault: Fault | None) -> Output:
    kind = fault.kind if fault else None
    if kind == "refusal":
        return Output(refusal=REFUSAL)
    if kind == "empty":
        return Output()
    said = persona_match.answer(prompt.instructions, prompt.unanswered, picture=prompt.picture)
    if prompt.schema is None or kind == "bad_output":
        text = said.text
    else:
        filling = Filling(said.text, said.language, said.wants_person)
        text = json.dumps(make_instance(prompt.schema, filling), ensure_ascii=False)
    if kind == "truncated":
        return Output(text[: len(text) // 2], truncated=True)
    return Output(text)


def _broken(fault: Fault | None) -> web.Response | None:
    """Return the response of a fault that leaves nothing of the API's shape, if it is one."""
    match fault.kind if fault else None:
        case "rate_limit":
            seconds = fault.seconds if fault else 0
            body = model_replies.error_body("Rate limit reached", "requests", "rate_limit_exceeded")
            return web.json_response(body, status=429, headers={"Retry-After": f"{seconds:g}"})
        case "server_error":
            body = model_replies.error_body("The server had an error", "server_error", None)
            return web.json_response(body, status=500)
        case "unavailable":
            body = model_replies.error_body("The engine is overloaded", "server_error", None)
            return web.json_response(body, status=503)
        case "garbage":
            return web.Response(text='{"id": "resp_', content_type="application/json")
    return None


def _has_key(request: web.Request) -> bool:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return scheme == "Bearer" and bool(key.strip())


def _no_key() -> web.Response:
    body = model_replies.error_body(
        "You didn't provide an API key", "invalid_request_error", "invalid_api_key"
    )
    return web.json_response(body, status=401)


def _bad_request(error: BadInputError) -> web.Response:
    body = model_replies.error_body(str(error), "invalid_request_error", None)
    return web.json_response(body, status=400)


def _finish(recorded: RecordedRequest, response: web.Response) -> web.Response:
    recorded.status = response.status
    return response
