"""OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from pydantic import BaseModel, ValidationError

from vestlus.assistant.api import MAX_OUTPUT_TOKENS, Json
from vestlus.assistant.failures import Reason, invalid, meaning_of_code, refused
from vestlus.assistant.prompt import Prompt, Turn
from vestlus.assistant.schema import Form


@cache  # made once: the same for every request of a kind
def _text(form: Form) -> Json:
    return {
        "format": {
            "type": "json_schema",
            "name": form.name,
            "strict": True,
            "schema": form.schema,
        }
    }


class _Content(BaseModel):
    type: str
    text: str = ""


class _Item(BaseModel):
    type: str
    content: list[_Content] | None = None
    phase: str | None = None


class _Incomplete(BaseModel):
    reason: str | None = None


class _Error(BaseModel):
    code: str | None = None


class _Response(BaseModel):
    """As much of a response as is looked at; whatever else it has is ignored."""

    status: str | None = None
    incomplete_details: _Incomplete | None = None
    error: _Error | None = None
    output: list[_Item]


class ResponsesApi:
    """`POST /responses`. OpenAI, "API reference", "Create a model response"."""

    path: Final = "/responses"
    optional: Final = frozenset({"prompt_cache_key", "safety_identifier", "store"})

    def request(self, prompt: Prompt, *, model: str, user: str, left_out: frozenset[str]) -> Json:
        """See Api. The moment comes after the history, so that both can be cached up to there."""
        now: list[Json] = [{"role": "developer", "content": prompt.now}] if prompt.now else []
        body: Json = {
            "model": model,
            "instructions": prompt.instructions,
            "input": [*_items(prompt.history), *now, *_items(prompt.messages)],
            "text": _text(prompt.form),
            "max_output_tokens": MAX_OUTPUT_TOKENS,
            # The history is ours; OpenAI would keep each response for 30 days otherwise.
            "store": False,
            "prompt_cache_key": prompt.cache_key,
            "safety_identifier": user,
        }
        return {name: value for name, value in body.items() if name not in left_out}

    def output_text(self, response: bytes) -> str:
        """See Api. Items other than messages (a model's thinking) are passed over."""
        try:
            read = _Response.model_validate_json(response)
        except ValidationError:
            raise invalid(Reason.MALFORMED_RESPONSE, retry=True) from None
        _require_completed(read)
        content = [
            part
            for item in read.output
            if item.type == "message" and item.phase in (None, "final_answer")
            for part in item.content or ()
        ]
        if any(part.type == "refusal" for part in content):
            raise refused(Reason.REFUSAL)
        text = "".join(part.text for part in content if part.type == "output_text")
        if not text.strip():
            raise invalid(Reason.NO_OUTPUT, retry=True)
        return text


def _require_completed(response: _Response) -> None:
    match response.status:
        case "completed" | None:  # some compatible servers leave it out
            return
        case "incomplete":
            details = response.incomplete_details
            if details is not None and details.reason == "content_filter":
                raise refused(Reason.CONTENT_FILTER)
            raise invalid(Reason.TRUNCATED, retry=True)
        case "failed":
            meaning = meaning_of_code(response.error.code if response.error else None)
            raise meaning.failed() if meaning else invalid(Reason.NOT_FINISHED, retry=True)
        case _:
            raise invalid(Reason.NOT_FINISHED, retry=True)


def _items(turns: Iterable[Turn]) -> list[Json]:
    return [{"role": turn.role, "content": _given(turn)} for turn in turns]


def _given(turn: Turn) -> str | list[Json]:
    if not turn.images:
        return turn.text
    images: list[Json] = [
        {"type": "input_image", "image_url": image, "detail": "auto"} for image in turn.images
    ]
    return [{"type": "input_text", "text": turn.text}, *images]
