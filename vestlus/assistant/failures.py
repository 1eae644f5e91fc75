"""What can go wrong with one attempt, and what each error of the openai package means.

Nothing here carries a server's message: compatible servers repeat the request in their errors, and
with it what the user wrote. So translated errors are raised ``from None``, and the log has the
error's class, status, code and request id, which is what a support case needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import aiohttp
import openai
import structlog

from vestlus.assistant.ratelimits import retry_after_seconds
from vestlus.assistant.rejected import rejected_fields
from vestlus.errors import (
    AssistantError,
    AssistantInvalid,
    AssistantRefused,
    AssistantUnavailable,
)

_log = structlog.get_logger(__name__)


class Reason(StrEnum):
    """The ``reason`` of an AssistantUnavailable (first group) or AssistantInvalid (second)."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    CONFLICT = "conflict"
    SERVER_ERROR = "server_error"
    MODEL_NOT_CONFIGURED = "model_not_configured"
    ACCOUNT_UNKNOWN = "account_unknown"
    CLOSED = "closed"
    #: No turn came in time among those who wait for the key's rate limit.
    PACED = "paced"
    #: The account has used up what it may spend on models in a day.
    BUDGET_SPENT = "daily_budget_spent"

    BAD_REQUEST = "bad_request"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"
    NOT_FINISHED = "not_finished"
    MALFORMED_RESPONSE = "malformed_response"
    NO_OUTPUT = "no_output"
    MALFORMED_REPLY = "malformed_reply"
    NO_PARTS = "no_parts"
    BLANK = "blank"
    TOO_MANY_PARTS = "too_many_parts"
    TOO_LONG = "too_long"
    TOO_MANY_PICTURES = "too_many_pictures"
    UNKNOWN_PICTURE = "unknown_picture"
    REPEATED_PICTURE = "repeated_picture"
    LINK_NOT_GIVEN = "link_not_given"
    PERSONAL_DATA_NOT_GIVEN = "personal_data_not_given"
    PROMPT_LEAK = "prompt_leak"
    UNKNOWN_MARK = "unknown_mark"
    WRONG_LANGUAGE = "wrong_language"
    PICTURES_NOT_CHOSEN = "pictures_not_chosen"


class AttemptFailed(Exception):
    """One attempt failed: control flow between an attempt and its retries.

    ``error`` is what the caller gets when no other attempt is made.
    ``retry_after``: seconds that the server asked for. ``rejected_fields``: optional fields of the
    request that this server does not know.
    """

    def __init__(
        self,
        error: AssistantError,
        *,
        retry: bool,
        retry_after: float | None = None,
        rejected_fields: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(error)
        self.error = error
        self.retry = retry
        self.retry_after = retry_after
        self.rejected_fields = rejected_fields


def outcome_of(error: BaseException) -> str:
    """What an error is called in measures: a :class:`Reason`, or ``other``."""
    reason = error.reason if isinstance(error, AssistantError) else ""
    return reason if reason in _REASONS else "other"


_REASONS = frozenset(map(str, Reason))


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error means for the caller, and whether the same request may yet succeed."""

    error: type[AssistantError]
    reason: Reason
    retry: bool = False

    def failed(self) -> AttemptFailed:
        """The failure to raise."""
        return AttemptFailed(self.error(self.reason.value), retry=self.retry)


def invalid(reason: Reason, *, retry: bool = False) -> AttemptFailed:
    """The failure of an attempt whose output cannot be used."""
    return AttemptFailed(AssistantInvalid(reason.value), retry=retry)


def refused(reason: Reason) -> AttemptFailed:
    """The failure of an attempt that the model, or its provider's filter, refused."""
    return AttemptFailed(AssistantRefused(reason.value), retry=False)


_TIMEOUT = Meaning(AssistantUnavailable, Reason.TIMEOUT, retry=True)
_CONNECTION = Meaning(AssistantUnavailable, Reason.CONNECTION, retry=True)
_RATE_LIMITED = Meaning(AssistantUnavailable, Reason.RATE_LIMITED, retry=True)
_QUOTA = Meaning(AssistantUnavailable, Reason.QUOTA)
_CONFLICT = Meaning(AssistantUnavailable, Reason.CONFLICT, retry=True)
_SERVER_ERROR = Meaning(AssistantUnavailable, Reason.SERVER_ERROR, retry=True)
_MISCONFIGURED = Meaning(AssistantUnavailable, Reason.MODEL_NOT_CONFIGURED)
_BAD_REQUEST = Meaning(AssistantInvalid, Reason.BAD_REQUEST)
_CONTEXT_LENGTH = Meaning(AssistantInvalid, Reason.CONTEXT_LENGTH)
_CONTENT_FILTER = Meaning(AssistantRefused, Reason.CONTENT_FILTER)
_TRUNCATED = Meaning(AssistantInvalid, Reason.TRUNCATED, retry=True)
_MALFORMED = Meaning(AssistantInvalid, Reason.MALFORMED_RESPONSE, retry=True)

#: Every class of the openai package that a request can raise. A subclass that is not listed has
#: the meaning of its nearest listed parent.
BY_CLASS: Mapping[type[Exception], Meaning] = {
    openai.APITimeoutError: _TIMEOUT,
    openai.APIConnectionError: _CONNECTION,
    openai.RateLimitError: _RATE_LIMITED,
    openai.ConflictError: _CONFLICT,
    openai.InternalServerError: _SERVER_ERROR,
    openai.AuthenticationError: _MISCONFIGURED,
    openai.OAuthError: _MISCONFIGURED,
    openai.PermissionDeniedError: _MISCONFIGURED,
    openai.NotFoundError: _MISCONFIGURED,
    openai.BadRequestError: _BAD_REQUEST,
    openai.UnprocessableEntityError: _BAD_REQUEST,
    openai.APIStatusError: _BAD_REQUEST,
    openai.APIResponseValidationError: _MALFORMED,
    openai.LengthFinishReasonError: _TRUNCATED,
    openai.ContentFilterFinishReasonError: _CONTENT_FILTER,
    openai.APIError: _SERVER_ERROR,
    # Without a response there was no usable credential to send a request with.
    openai.OpenAIError: _MISCONFIGURED,
}

#: Statuses for which the SDK has no class of its own.
_BY_STATUS: Mapping[int, Meaning] = {408: _TIMEOUT, 413: _CONTEXT_LENGTH, 425: _CONFLICT}

#: Codes that say more than the status. OpenAI and Azure OpenAI, "Error codes".
_BY_CODE: Mapping[str, Meaning] = {
    "insufficient_quota": _QUOTA,
    "billing_hard_limit_reached": _QUOTA,
    "billing_not_active": _QUOTA,
    "context_length_exceeded": _CONTEXT_LENGTH,
    "content_filter": _CONTENT_FILTER,
    "content_policy_violation": _CONTENT_FILTER,
    "invalid_prompt": _CONTENT_FILTER,
    "model_not_found": _MISCONFIGURED,
    "DeploymentNotFound": _MISCONFIGURED,
    "invalid_api_key": _MISCONFIGURED,
    # The two that a response with status "failed" may carry.
    "server_error": _SERVER_ERROR,
    "rate_limit_exceeded": _RATE_LIMITED,
}


def meaning_of_code(code: str | None) -> Meaning | None:
    """What a code of the API means, if it says more than the status."""
    return _BY_CODE.get(code or "")


def meaning_of(error: Exception) -> Meaning:
    """What an error of the openai package, or of the transport below it, means."""
    if isinstance(error, openai.APITimeoutError) and _was_disconnected(error):
        return _CONNECTION
    if isinstance(error, openai.APIStatusError):
        special = meaning_of_code(error.code) or meaning_of_code(error.type)
        if special is not None:
            return special
        if error.status_code in _BY_STATUS:
            return _BY_STATUS[error.status_code]
    for kind in type(error).__mro__:
        if kind in BY_CLASS:
            return BY_CLASS[kind]
    # The transport lets a few errors of httpx2 and aiohttp through untranslated.
    return _CONNECTION


def _was_disconnected(error: BaseException) -> bool:
    """The transport calls every aiohttp connection error a timeout; its cause tells them apart."""
    cause = error.__cause__
    while cause is not None:
        if isinstance(cause, (aiohttp.ServerTimeoutError, TimeoutError)):
            return False
        if isinstance(cause, aiohttp.ClientConnectionError):
            return True
        cause = cause.__cause__
    return False


def failure_of(error: Exception, optional: frozenset[str], now_ms: int) -> AttemptFailed:
    """The failure that an error means, logged if an operator has to mend something.

    ``optional`` are the fields that the request can do without.
    """
    meaning = meaning_of(error)
    failed = meaning.failed()
    status, code, request_id = None, None, None
    if isinstance(error, openai.APIStatusError):
        status, code, request_id = error.status_code, error.code, error.request_id
        failed.retry_after = retry_after_seconds(error.response.headers, now_ms)
        if meaning is _BAD_REQUEST:
            failed.rejected_fields = frozenset(rejected_fields(error, optional))
    if failed.rejected_fields:
        return failed
    tell = _log.warning if meaning.retry else _log.error
    tell(
        "model_request_failed",
        reason=str(meaning.reason),
        error=type(error).__name__,
        status=status,
        code=code,
        request_id=request_id,
    )
    return failed
