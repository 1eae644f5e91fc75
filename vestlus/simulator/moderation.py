"""`POST /openai/v1/moderations`: flags what holds words that were named beforehand.

Shape: OpenAI, "Create moderation", as `types/moderation.py` of the `openai` package 3.54 has it.
"""

import asyncio
import hashlib

from aiohttp import web

from vestlus.simulator.faults import Fault
from vestlus.simulator.graph import cut_connection
from vestlus.simulator.jsontypes import BadInputError, Json, JsonObject, as_object, parse_object
from vestlus.simulator.model_http import (
    RequestLog,
    bad_request,
    broken,
    finish,
    has_key,
    no_key,
)
from vestlus.simulator.model_request import data_url_bytes
from vestlus.simulator.picture_files import picture_size

MODEL = "omni-moderation-latest"
#: Each category, and whether pictures are judged by it too.
CATEGORIES = {
    "harassment": False,
    "harassment/threatening": False,
    "hate": False,
    "hate/threatening": False,
    "illicit": False,
    "illicit/violent": False,
    "self-harm": True,
    "self-harm/instructions": True,
    "self-harm/intent": True,
    "sexual": True,
    "sexual/minors": False,
    "violence": True,
    "violence/graphic": True,
}
FAULTS = ("server_error", "hang")
HANG_SECONDS = 30.0
FOUND, NOT_FOUND = 0.98, 0.00001


def default_words() -> dict[str, str]:
    """Return made-up words, `#flag-violence` and so on, one for each category."""
    return {f"#flag-{name.replace('/', '-')}": name for name in CATEGORIES}


class ModerationApi:
    """Flags texts with certain words in them, and pictures of a certain SHA-256 or size."""

    def __init__(self, log: RequestLog) -> None:
        self._log = log
        self._words = default_words()
        self._fault: str | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [web.post("/openai/v1/moderations", self.moderate)]

    def change(self, body: JsonObject) -> None:
        """Change words or fault.

        Raises:
            BadInputError: If one of them is wrong; then nothing changes.

        """
        words, fault = self._words, self._fault
        if "words" in body:
            words = {}
            for word, category in as_object(body["words"], "words").items():
                if category not in CATEGORIES or not word:
                    message = f"each word needs one of the categories {', '.join(CATEGORIES)}"
                    raise BadInputError(message)
                words[word.casefold()] = str(category)
        if "fault" in body:
            given = body["fault"]
            if given is not None and given not in FAULTS:
                message = f"fault must be null or one of {', '.join(FAULTS)}"
                raise BadInputError(message)
            fault = None if given is None else str(given)
        self._words, self._fault = words, fault

    def to_json(self) -> JsonObject:
        """Return the form of the control API."""
        return {"words": dict(self._words), "fault": self._fault}

    async def moderate(self, request: web.Request) -> web.Response:
        """Answer `POST /moderations`: one result for each text, or one for a list of parts."""
        recorded, raw = await self._log.record(request)
        if not has_key(request):
            return finish(recorded, no_key())
        if self._fault == "hang":
            await asyncio.sleep(HANG_SECONDS)
            return cut_connection(request)
        failed = broken(Fault(self._fault, 0.0)) if self._fault else None
        if failed is not None:
            return finish(recorded, failed)
        try:
            body = parse_object(raw)
            results: list[Json] = [self._judge(parts) for parts in read_inputs(body.get("input"))]
        except BadInputError as error:
            return finish(recorded, bad_request(error))
        model = body.get("model") or MODEL
        reply: JsonObject = {
            "id": f"modr-simulator-{recorded.seq}",
            "model": model,
            "results": results,
        }
        return finish(recorded, web.json_response(reply))

    def _judge(self, parts: list[tuple[str, str]]) -> JsonObject:
        found: dict[str, list[Json]] = {name: [] for name in CATEGORIES}
        for kind, content in parts:
            for word, category in self._words.items():
                if word in content and (kind == "text" or CATEGORIES[category]):
                    found[category] = [*found[category], kind]
        return {
            "flagged": any(found.values()),
            "categories": {name: bool(kinds) for name, kinds in found.items()},
            "category_scores": {
                name: FOUND if kinds else NOT_FOUND for name, kinds in found.items()
            },
            "category_applied_input_types": {
                name: list(dict.fromkeys(kinds)) for name, kinds in found.items()
            },
        }


def read_inputs(given: Json) -> list[list[tuple[str, str]]]:
    """Return what is to be judged: for each result its parts, each of a kind and a content.

    A picture's content is the SHA-256 of its bytes and its size, `1f…9a 640x480`, or its address
    if only that is given.

    Raises:
        BadInputError: If it is neither a text, nor texts, nor a list of parts.

    """
    if isinstance(given, str):
        return [[("text", given.casefold())]]
    if not isinstance(given, list) or not given:
        message = "input must be a text, or a list that is not empty"
        raise BadInputError(message)
    texts = [each for each in given if isinstance(each, str)]
    if len(texts) == len(given):
        return [[("text", each.casefold())] for each in texts]
    return [[_part(as_object(each, "a part of the input")) for each in given]]


def _part(part: JsonObject) -> tuple[str, str]:
    text, image = part.get("text"), part.get("image_url")
    if part.get("type") == "text" and isinstance(text, str):
        return "text", text.casefold()
    url = image.get("url") if isinstance(image, dict) else None
    if part.get("type") == "image_url" and isinstance(url, str):
        picture = data_url_bytes(url)
        if picture is None:
            return "image", url.casefold()
        width, height = picture_size(picture) or (0, 0)
        return "image", f"{hashlib.sha256(picture).hexdigest()} {width}x{height}"
    message = "a part of the input must be a text or an image_url"
    raise BadInputError(message)
