"""OpenAI's Chat Completions API, which most compatible servers speak."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from pydantic import BaseModel, ValidationError

from vestlus.assistant.api import MAX_OUTPUT_TOKENS, Json
from vestlus.assistant.failures import Reason, invalid, refused
from vestlus.assistant.prompt import Prompt, Turn
from vestlus.assistant.schema import Form


@cache  # made once: the same for every request of a kind
def _response_format(form: Form) -> Json:
    return {
        "type": "json_schema",
        "json_schema": {"name": form.name, "strict": True, "schema": form.schema},
    }


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    """As much of a completion as is looked at; whatever else it has is ignored."""

    choices: list[_Choice]


class ChatApi:
    """`POST /chat/completions`. OpenAI, "API reference", "Create chat completion"."""

    path: Final = "/chat/completions"
    optional: Final = frozenset(
        {"max_completion_tokens", "prompt_cache_key", "safety_identifier", "store"}
    )

    def request(self, prompt: Prompt, *, model: str, user: str, left_out: frozenset[str]) -> Json:
        """See Api.

        Two things are as they are for the chat templates of open models: one system message, at
        the start, so that the moment stands at its end and only what is before it is cached; and
        no two messages of one role in a row.
        """
        system = f"{prompt.instructions}\n\n{prompt.now}".rstrip()
        body: Json = {
            "model": model,
            "messages": [{"role": "system", "content": system}, *_alternating(prompt)],
            "response_format": _response_format(prompt.form),
            "max_completion_tokens": MAX_OUTPUT_TOKENS,
            "store": False,
            "prompt_cache_key": prompt.cache_key,
            "safety_identifier": user,
        }
        if "max_completion_tokens" in left_out:
            # Its older name, which OpenAI's thinking models reject and older servers need.
            body["max_tokens"] = MAX_OUTPUT_TOKENS
        return {name: value for name, value in body.items() if name not in left_out}

    def output_text(self, response: bytes) -> str:
        """See Api."""
        try:
            choices = _Completion.model_validate_json(response).choices
        except ValidationError:
            raise invalid(Reason.MALFORMED_RESPONSE, retry=True) from None
        if not choices:
            raise invalid(Reason.NO_OUTPUT, retry=True)
        choice = choices[0]
        match choice.finish_reason:
            case "length":
                raise invalid(Reason.TRUNCATED, retry=True)
            case "content_filter":
                raise refused(Reason.CONTENT_FILTER)
        if choice.message.refusal:
            raise refused(Reason.REFUSAL)
        text = choice.message.content or ""
        if not text.strip():
            raise invalid(Reason.NO_OUTPUT, retry=True)
        return text


def _alternating(prompt: Prompt) -> list[Json]:
    merged: list[tuple[str, list[Turn]]] = []
    for turn in (*prompt.history, *prompt.messages):
        if merged and merged[-1][0] == turn.role:
            merged[-1][1].append(turn)
        else:
            merged.append((turn.role, [turn]))
    return [{"role": role, "content": _content(turns)} for role, turns in merged]


def _content(turns: Sequence[Turn]) -> str | list[Json]:
    """One text, or, with pictures among it, texts and pictures in their order."""
    if not any(turn.images for turn in turns):
        return "\n".join(turn.text for turn in turns)
    parts: list[Json] = []
    for turn in turns:
        parts.append({"type": "text", "text": turn.text})
        parts += [{"type": "image_url", "image_url": {"url": image}} for image in turn.images]
    return parts
