from __future__ import annotations

import inspect
import pickle
from functools import cache
from typing import Any

import aiohttp
import httpx2
import openai
import pytest
from openai import _exceptions
from structlog.testing import capture_logs

from vestlus.assistant.chat_api import ChatApi
from vestlus.assistant.failures import (
    BY_CLASS,
    AttemptFailed,
    Reason,
    failure_of,
    meaning_of,
)
from vestlus.assistant.openai_client import OpenAIConnection
from vestlus.assistant.ratelimits import retry_after_seconds
from vestlus.assistant.responses_api import ResponsesApi
from vestlus.assistant.statuses import status_error as status_error_of
from vestlus.errors import (
    AssistantError,
    AssistantInvalid,
    AssistantRefused,
    AssistantUnavailable,
)

NOW_MS = 1_772_452_980_000  # Mon, 02 Mar 2026 12:03:00 GMT
OPTIONAL = ChatApi.optional | ResponsesApi.optional
REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1/responses")

#: Classes that belong to what we do not use: webhooks from OpenAI, websockets, its module-level
#: client, token exchange. None of them has a response; all but the first are OpenAIErrors.
OF_OTHER_FEATURES = {
    "InvalidWebhookSignatureError",
    "SubjectTokenProviderError",
    "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
    "_AmbiguousModuleClientUsageError",
}


@cache
def exception_classes() -> dict[str, type[Exception]]:
    return {
        name: one
        for module in (openai, _exceptions)
        for name, one in list(vars(module).items())
        if inspect.isclass(one) and issubclass(one, Exception)
    }


def test_every_exception_class_of_the_openai_package_is_mapped() -> None:
    unmapped = {
        name
        for name, one in exception_classes().items()
        if one not in BY_CLASS and name not in OF_OTHER_FEATURES
    }
    assert unmapped == set()
    assert len(exception_classes()) > 15


def test_every_status_has_a_meaning_that_does_not_depend_on_the_class() -> None:
    for status in range(300, 600):
        response = httpx2.Response(status, request=REQUEST, json={"error": {}})
        error = client()._make_status_error_from_response(response)
        failed = failure_of(error, OPTIONAL, NOW_MS)
        unavailable = status in {401, 403, 404, 408, 409, 425, 429} or status >= 500
        assert isinstance(failed.error, AssistantUnavailable) is unavailable, status
        assert failed.retry is (unavailable and status not in {401, 403, 404}), status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nope",
        b'["nope"]',
        b'{"detail": "x"}',
        b'{"error": "text"}',
        b'{"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}',
    ],
)
def test_errors_of_statuses_are_those_that_the_package_itself_makes(body: bytes) -> None:
    for status in range(300, 600):
        response = httpx2.Response(status, request=REQUEST, content=body)
        ours, theirs = (
            status_error_of(response),
            client()._make_status_error_from_response(response),
        )
        assert type(ours) is type(theirs)
        assert (ours.body, ours.code, ours.type, ours.param, ours.status_code) == (
            theirs.body,
            theirs.code,
            theirs.type,
            theirs.param,
            theirs.status_code,
        )


@cache
def client() -> openai.AsyncOpenAI:
    """A client that is asked what it makes of responses, and sends nothing."""
    return openai.AsyncOpenAI(api_key="k", base_url="http://127.0.0.1/v1")


def status_error(status: int, body: Any, **headers: str) -> openai.APIStatusError:  # noqa: ANN401
    """The error that the SDK itself makes of such a response."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, request=REQUEST, json=body, headers=named)
    return client()._make_status_error_from_response(response)


def envelope(code: str, message: str = "", param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "error", "param": param, "code": code}}


@pytest.mark.parametrize(
    ("status", "code", "kind", "reason", "retry"),
    [
        (429, "rate_limit_exceeded", AssistantUnavailable, Reason.RATE_LIMITED, True),
        (429, "insufficient_quota", AssistantUnavailable, Reason.QUOTA, False),
        (400, "context_length_exceeded", AssistantInvalid, Reason.CONTEXT_LENGTH, False),
        (400, "content_filter", AssistantRefused, Reason.CONTENT_FILTER, False),
        (400, "invalid_prompt", AssistantRefused, Reason.CONTENT_FILTER, False),
        (400, "model_not_found", AssistantUnavailable, Reason.MODEL_NOT_CONFIGURED, False),
        (400, "unknown_parameter", AssistantInvalid, Reason.BAD_REQUEST, False),
        (401, "invalid_api_key", AssistantUnavailable, Reason.MODEL_NOT_CONFIGURED, False),
        (404, "DeploymentNotFound", AssistantUnavailable, Reason.MODEL_NOT_CONFIGURED, False),
        (413, "", AssistantInvalid, Reason.CONTEXT_LENGTH, False),
        (500, "server_error", AssistantUnavailable, Reason.SERVER_ERROR, True),
        (503, "", AssistantUnavailable, Reason.SERVER_ERROR, True),
    ],
)
def test_codes_say_more_than_statuses(
    status: int, code: str, kind: type[AssistantError], reason: Reason, *, retry: bool
) -> None:
    failed = failure_of(status_error(status, envelope(code)), OPTIONAL, NOW_MS)
    assert type(failed.error) is kind
    assert failed.error.reason == reason
    assert failed.retry is retry


def test_errors_without_a_usual_envelope_have_a_meaning_too() -> None:
    for body in ("nope", ["nope"], None, {"detail": [1, {"loc": "x"}]}, {"error": "text"}):
        failed = failure_of(status_error(400, body), OPTIONAL, NOW_MS)
        assert failed.error.reason == Reason.BAD_REQUEST
        assert failed.rejected_fields == frozenset()


def test_a_broken_connection_is_not_called_a_timeout() -> None:
    def timeout_because(cause: Exception) -> openai.APITimeoutError:
        between = httpx2.ConnectTimeout("")
        between.__cause__ = cause
        error = openai.APITimeoutError(REQUEST)
        error.__cause__ = between
        return error

    assert meaning_of(timeout_because(aiohttp.ServerDisconnectedError())).reason == "connection"
    assert meaning_of(timeout_because(aiohttp.SocketTimeoutError())).reason == "timeout"
    assert meaning_of(timeout_because(aiohttp.ConnectionTimeoutError())).reason == "timeout"
    assert meaning_of(openai.APITimeoutError(REQUEST)).reason == "timeout"


def test_what_the_transport_lets_through_is_a_broken_connection() -> None:
    for error in (httpx2.InvalidURL("x"), aiohttp.ClientError(), httpx2.ReadError("x")):
        assert meaning_of(error).reason == "connection"
        assert meaning_of(error).error is AssistantUnavailable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": " 2 "}, 2.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1.0),
        ({"retry-after": "Mon, 02 Mar 2026 12:03:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 02 Mar 2026 12:00:00 GMT"}, 0.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "later"}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_seconds(httpx2.Headers(headers), NOW_MS) == seconds


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "Unknown parameter: 'store'.", "param": "store", "code": "x"}},
        {"error": {"message": "Unrecognized request argument supplied: store"}},
        {"error": {"message": "property 'store' is unsupported"}},
        {"error": {"message": 'Invalid JSON payload: Unknown name "store": Cannot find field.'}},
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "store"], "input": False}]},
    ],
)
def test_an_optional_field_that_a_server_rejects_is_recognised(body: object) -> None:
    failed = failure_of(status_error(422, body), OPTIONAL, NOW_MS)
    assert failed.rejected_fields == {"store"}


def test_what_the_user_wrote_is_not_taken_for_a_rejected_field() -> None:
    body = {
        "error": {"message": "The prompt is bad: does your store open at 9?"},
        "detail": [{"loc": ["body", "input"], "input": "unknown parameter: 'store'"}],
    }
    assert failure_of(status_error(400, body), OPTIONAL, NOW_MS).rejected_fields == frozenset()


def test_the_operator_is_told_without_secrets_or_texts() -> None:
    message = "Incorrect API key provided: sk-SECRET; the input was: SALADUS"
    error = status_error(401, envelope("invalid_api_key", message), x_request_id="req_9")
    with capture_logs() as logs:
        failed = failure_of(error, OPTIONAL, NOW_MS)
    assert [(log["event"], log["log_level"]) for log in logs] == [("model_request_failed", "error")]
    assert logs[0]["request_id"] == "req_9"
    assert "SECRET" not in repr((logs, failed))
    assert "SALADUS" not in repr((logs, failed))


def test_what_may_pass_by_itself_is_only_a_warning() -> None:
    with capture_logs() as logs:
        failure_of(status_error(503, envelope("")), OPTIONAL, NOW_MS)
    assert [log["log_level"] for log in logs] == ["warning"]


def test_the_errors_that_callers_get_survive_pickling() -> None:
    for reason in Reason:
        error = pickle.loads(pickle.dumps(AssistantUnavailable(reason)))  # noqa: S301
        assert error.reason == reason
        assert str(error) == reason.value


def responses_failure(response: str) -> AttemptFailed:
    with pytest.raises(AttemptFailed) as raised:
        ResponsesApi().output_text(response.encode())
    return raised.value


def chat_failure(response: str) -> AttemptFailed:
    with pytest.raises(AttemptFailed) as raised:
        ChatApi().output_text(response.encode())
    return raised.value


@pytest.mark.parametrize(
    ("response", "reason", "retry"),
    [
        ("<html>", Reason.MALFORMED_RESPONSE, True),
        ("{}", Reason.MALFORMED_RESPONSE, True),
        ('{"output": []}', Reason.NO_OUTPUT, True),
        ('{"output": [{"type": "reasoning", "summary": []}]}', Reason.NO_OUTPUT, True),
        (
            '{"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]}',
            Reason.REFUSAL,
            False,
        ),
        (
            (
                '{"output": [{"type": "message", "phase": "commentary",'
                ' "content": [{"type": "output_text", "text": "hm"}]}]}'
            ),
            Reason.NO_OUTPUT,
            True,
        ),
        (
            (
                '{"status": "incomplete", "output": [],'
                ' "incomplete_details": {"reason": "max_output_tokens"}}'
            ),
            Reason.TRUNCATED,
            True,
        ),
        (
            (
                '{"status": "incomplete", "output": [],'
                ' "incomplete_details": {"reason": "content_filter"}}'
            ),
            Reason.CONTENT_FILTER,
            False,
        ),
        ('{"status": "incomplete", "output": []}', Reason.TRUNCATED, True),
        ('{"status": "queued", "output": []}', Reason.NOT_FINISHED, True),
        ('{"status": "failed", "output": [], "error": {"code": "odd"}}', Reason.NOT_FINISHED, True),
        ('{"status": "failed", "output": []}', Reason.NOT_FINISHED, True),
        (
            '{"status": "failed", "output": [], "error": {"code": "server_error"}}',
            Reason.SERVER_ERROR,
            True,
        ),
        (
            '{"status": "failed", "output": [], "error": {"code": "rate_limit_exceeded"}}',
            Reason.RATE_LIMITED,
            True,
        ),
    ],
)
def test_responses_without_a_final_text_have_a_stable_reason(
    response: str, reason: Reason, *, retry: bool
) -> None:
    failed = responses_failure(response)
    assert failed.error.reason == reason
    assert failed.retry is retry


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("[]", Reason.MALFORMED_RESPONSE),
        ('{"choices": []}', Reason.NO_OUTPUT),
        ('{"choices": [{"message": {"content": null}}]}', Reason.NO_OUTPUT),
        ('{"choices": [{"message": {"refusal": "no"}, "finish_reason": "stop"}]}', Reason.REFUSAL),
        (
            '{"choices": [{"message": {"content": "{"}, "finish_reason": "length"}]}',
            Reason.TRUNCATED,
        ),
        (
            '{"choices": [{"message": {}, "finish_reason": "content_filter"}]}',
            Reason.CONTENT_FILTER,
        ),
    ],
)
def test_completions_without_a_final_text_have_a_stable_reason(
    response: str, reason: Reason
) -> None:
    assert chat_failure(response).error.reason == reason


def test_the_model_s_thinking_is_passed_over() -> None:
    text = ResponsesApi().output_text(
        b'{"status": "completed", "output": ['
        b'{"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]},'
        b'{"type": "message", "phase": "commentary", "content":'
        b' [{"type": "output_text", "text": "let me see"}]},'
        b'{"type": "message", "phase": "final_answer", "content":'
        b' [{"type": "output_text", "text": "Tere"}]}]}'
    )
    assert text == "Tere"


@pytest.mark.parametrize(
    "message",
    [
        "The prompt 'unknown parameter: 'store'' is bad",
        "Input should be valid: \"my name 'store' is\"",
        "Invalid 'input': I have an argument 'store' with my shop",
        "Unrecognized request argument supplied: store opens when?",
        "Your parameter store is closed",
    ],
)
def test_a_field_that_is_named_in_what_a_server_repeats_is_not_taken_for_rejected(
    message: str,
) -> None:
    failed = failure_of(status_error(400, envelope("x", message)), OPTIONAL, NOW_MS)
    assert failed.rejected_fields == frozenset()


def test_an_apostrophe_before_a_rejected_field_s_name_is_no_quote() -> None:
    error = status_error(400, envelope("x", "We can't take the parameter 'store'."))
    assert failure_of(error, OPTIONAL, NOW_MS).rejected_fields == {"store"}


@pytest.mark.parametrize(
    ("base_url", "rejected"),
    [
        (None, {"prompt_cache_key"}),
        ("https://api.openai.com/v1", {"prompt_cache_key"}),
        ("https://eu.api.openai.com/v1", {"prompt_cache_key"}),
        ("https://model.example/v1", {"prompt_cache_key", "safety_identifier", "store"}),
        ("https://api.openai.com.example/v1", {"prompt_cache_key", "safety_identifier", "store"}),
    ],
)
def test_openai_itself_is_never_asked_without_what_was_promised(
    base_url: str | None, rejected: set[str]
) -> None:
    connection = OpenAIConnection(api_key="k", base_url=base_url, clock=lambda: NOW_MS)
    found = {
        name
        for name in OPTIONAL
        for failed in [connection._failure(status_error(400, envelope("x", "", name)), OPTIONAL)]
        if name in failed.rejected_fields
    }
    assert found - {"max_completion_tokens"} == rejected
