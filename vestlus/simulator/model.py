"""The pretend model's HTTP interface, under `/openai/v1`."""

import asyncio
import base64
import random
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

from vestlus.simulator import model_replies
from vestlus.simulator.answer_times import AnswerTimes
from vestlus.simulator.embeddings import DIMENSIONS, embed
from vestlus.simulator.faults import FaultPlan
from vestlus.simulator.graph import cut_connection
from vestlus.simulator.jsontypes import (
    BadInputError,
    Json,
    JsonObject,
    as_list,
    get_number,
    parse_object,
)
from vestlus.simulator.model_http import (
    RecordedRequest,
    RequestLog,
    bad_request,
    broken,
    finish,
    has_key,
    no_key,
    too_many,
)
from vestlus.simulator.model_output import model_output
from vestlus.simulator.model_pace import Latency, TurnLog
from vestlus.simulator.model_rate import ModelRate, weight_of
from vestlus.simulator.model_request import Prompt, read_chat, read_responses

MODELS = ("simulator", "simulator-embedding")
MOST_DIMENSIONS = 4096


class ModelApi:
    """Answers from what each request tells it.

    `cancelled` counts the calls whose caller was gone before the answer.
    """

    def __init__(
        self,
        faults: FaultPlan,
        log: RequestLog,
        times: AnswerTimes,
        *,
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self.latency = Latency()
        self.rate = ModelRate()
        self.log = log
        self._times = times
        self.turns = TurnLog()
        self._faults = faults
        self._clock = clock
        self._rng = rng
        self._gave_up = 0
        self._under_way: dict[int, web.Request] = {}

    @property
    def calls(self) -> Counter[str]:
        """How many calls came, by path."""
        return self.log.calls

    @property
    def under_way(self) -> int:
        """Calls that are being answered and whose caller is still there."""
        return sum(not _is_gone(each) for each in self._under_way.values())

    @property
    def cancelled(self) -> int:
        """Calls whose caller gave up before the answer, those still being worked on included."""
        return self._gave_up + len(self._under_way) - self.under_way

    def now(self) -> float:
        """Return the time, in Unix seconds."""
        return self._clock()

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
        if not has_key(request):
            return no_key()
        data: list[Json] = [
            {"id": name, "object": "model", "created": 0, "owned_by": "simulator"}
            for name in MODELS
        ]
        return web.json_response({"object": "list", "data": data})

    async def embeddings(self, request: web.Request) -> web.Response:
        """Answer `POST /embeddings`, as numbers or base64."""
        return await self._watched(request, self._embed)

    async def _complete(
        self,
        request: web.Request,
        read: Callable[[JsonObject], Prompt],
        write: Callable[..., JsonObject],
    ) -> web.Response:
        async def answer(recorded: RecordedRequest, raw: bytes) -> web.Response | None:
            body = parse_object(raw)
            prompt = read(body)
            began = self._clock()
            in_seconds = self.rate.take(began, weight_of(body, prompt.characters))
            told = self.rate.headers()
            if in_seconds is not None:
                return too_many(in_seconds, told)
            wait = self.latency.draw(self._rng)
            if wait:
                await asyncio.sleep(wait)
            if _is_gone(request):
                # It must not use up a fault that is meant for a call that is still waited for.
                return None
            fault = self._faults.draw("model", body=body)
            if fault is not None and fault.kind == "hang":
                await asyncio.sleep(fault.seconds)
                return None
            reply = broken(fault)
            if reply is not None:
                return reply
            output = model_output(prompt, fault)
            self._times.note(output.text or "", self._clock())
            said = write(
                body,
                output,
                number=recorded.seq,
                now=self._clock(),
                prompt_characters=prompt.characters,
            )
            response = web.json_response(said, headers=told)
            self.turns.add(prompt, began, self._clock())
            return response

        return await self._watched(request, answer)

    async def _embed(self, _recorded: RecordedRequest, raw: bytes) -> web.Response | None:
        body = parse_object(raw)
        given = body.get("input")
        texts = as_list([given] if isinstance(given, str) else given, "input")
        size = _dimensions(body)
        fault = self._faults.draw("embeddings", body=body)
        if fault is not None and fault.kind == "hang":
            await asyncio.sleep(fault.seconds)
            return None
        reply = broken(fault)
        if reply is not None:
            return reply
        data: list[Json] = []
        for index, text in enumerate(texts):
            vector = embed(str(text), size)
            in_base64 = body.get("encoding_format") == "base64"
            value: Json = base64.b64encode(vector.tobytes()).decode() if in_base64 else [*vector]
            data.append({"object": "embedding", "index": index, "embedding": value})
        used = sum(model_replies.tokens(len(str(text))) for text in texts)
        return web.json_response(
            {
                "object": "list",
                "model": body.get("model"),
                "data": data,
                "usage": {"prompt_tokens": used, "total_tokens": used},
            }
        )

    async def _watched(
        self,
        request: web.Request,
        answer: Callable[[RecordedRequest, bytes], Awaitable[web.Response | None]],
    ) -> web.Response:
        """Record a call and answer it; without an answer the connection is cut."""
        recorded, raw = await self.log.record(request)
        if not has_key(request):
            return finish(recorded, no_key())
        self._under_way[id(request)] = request
        try:
            response = await answer(recorded, raw)
        except BadInputError as error:
            response = bad_request(error)
        finally:
            del self._under_way[id(request)]
        if _is_gone(request):
            self._gave_up += 1
            return web.Response(status=500)  # nobody reads it
        return cut_connection(request) if response is None else finish(recorded, response)


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _dimensions(body: JsonObject) -> int:
    size = int(get_number(body, "dimensions", DIMENSIONS, least=1))
    if size > MOST_DIMENSIONS:
        message = f"dimensions must be at most {MOST_DIMENSIONS}"
        raise BadInputError(message)
    return size
