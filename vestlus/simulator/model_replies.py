"""The bodies the two OpenAI APIs answer with.

Shapes as the types of the `openai` package 3.54 require them (`types/responses/response.py`,
`types/chat/chat_completion.py`).
"""

from dataclasses import dataclass

from vestlus.simulator.jsontypes import Json, JsonObject

# English has about four characters to a token.
CHARACTERS_PER_TOKEN = 4
# How Chat Completions says why a text ended.
FINISH = {None: "stop", "max_output_tokens": "length", "content_filter": "content_filter"}


@dataclass(frozen=True, slots=True)
class Output:
    """What the model gives: text, a refusal, nothing, or text that was cut short.

    `cut_by` is why it was: `max_output_tokens` or `content_filter`.
    """

    text: str | None = None
    refusal: str | None = None
    cut_by: str | None = None


def tokens(characters: int) -> int:
    """Estimate tokens."""
    return max(1, characters // CHARACTERS_PER_TOKEN)


def responses_body(
    request: JsonObject,
    output: Output,
    *,
    number: int,
    now: float,
    prompt_characters: int,
) -> JsonObject:
    """Return a body of the Responses API."""
    content: list[Json] = []
    if output.refusal is not None:
        content.append({"type": "refusal", "refusal": output.refusal})
    elif output.text is not None:
        content.append({"type": "output_text", "text": output.text, "annotations": []})
    status = "incomplete" if output.cut_by else "completed"
    item: JsonObject = {
        "id": f"msg_simulator_{number}",
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": content,
    }
    used, made = (
        tokens(prompt_characters),
        tokens(len(output.text or output.refusal or "")),
    )
    text = request.get("text")
    return {
        "id": f"resp_simulator_{number}",
        "object": "response",
        "created_at": int(now),
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": output.cut_by} if output.cut_by else None,
        "instructions": request.get("instructions"),
        "max_output_tokens": request.get("max_output_tokens"),
        "metadata": request.get("metadata") or {},
        "model": request.get("model"),
        "output": [item] if content else [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": request.get("store", True),
        "temperature": 1.0,
        "text": text if isinstance(text, dict) else {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": used,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": used + made,
        },
    }


def chat_body(
    request: JsonObject,
    output: Output,
    *,
    number: int,
    now: float,
    prompt_characters: int,
) -> JsonObject:
    """Return a body of the Chat Completions API."""
    used, made = (
        tokens(prompt_characters),
        tokens(len(output.text or output.refusal or "")),
    )
    choice: JsonObject = {
        "index": 0,
        "finish_reason": FINISH[output.cut_by],
        "logprobs": None,
        "message": {
            "role": "assistant",
            "content": output.text,
            "refusal": output.refusal,
            "annotations": [],
        },
    }
    return {
        "id": f"chatcmpl-simulator-{number}",
        "object": "chat.completion",
        "created": int(now),
        "model": request.get("model"),
        "choices": [choice],
        "service_tier": "default",
        "usage": {
            "prompt_tokens": used,
            "completion_tokens": made,
            "total_tokens": used + made,
        },
    }


def error_body(message: str, kind: str, code: str | None) -> JsonObject:
    """Return OpenAI's error body."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
