"""Meta's errors, as the Graph API words them.

Sources: Messenger Platform common error codes; Graph API rate limiting.
"""

from vestlus.simulator.faults import InjectedError
from vestlus.simulator.graph_rate import usage_headers
from vestlus.simulator.jsontypes import JsonObject

WINDOW_CODE = 10


class GraphError(Exception):
    """A Graph call that is answered with an error envelope.

    `regain_minutes` and `retry_after` (seconds) are told in headers, where they are not 0.
    """

    def __init__(
        self,
        code: int,
        subcode: int | None,
        message: str,
        *,
        kind: str,
        status: int,
        regain_minutes: int = 0,
        retry_after: int = 0,
    ) -> None:
        super().__init__(code, subcode)
        self.code = code
        self.subcode = subcode
        self.message = message
        self.kind = kind
        self.status = status
        self.regain_minutes = regain_minutes
        self.retry_after = retry_after

    def headers(self, account: str) -> dict[str, str]:
        """Return what the response's headers tell besides, or instead of, the usual."""
        headers: dict[str, str] = {}
        if self.regain_minutes:
            headers |= usage_headers(account, 100, self.regain_minutes)
        if self.retry_after:
            headers["Retry-After"] = str(self.retry_after)
        return headers

    def envelope(self, trace_id: str) -> JsonObject:
        """Return the response body."""
        error: JsonObject = {
            "message": self.message,
            "type": self.kind,
            "code": self.code,
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.code in {1, 2}:
            error["is_transient"] = self.code == 2  # noqa: PLR2004
        error["fbtrace_id"] = trace_id
        return {"error": error}


def _invalid(subcode: int | None, message: str) -> GraphError:
    return GraphError(100, subcode, f"(#100) {message}", kind="OAuthException", status=400)


def bad_token() -> GraphError:
    """Say that the access token is missing or wrong."""
    message = "Invalid OAuth access token - Cannot parse access token"
    return GraphError(190, None, message, kind="OAuthException", status=401)


def token_error(subcode: int, message: str) -> GraphError:
    """Say why an access token that was good is not any more."""
    return GraphError(190, subcode, message, kind="OAuthException", status=401)


def bad_client_secret() -> GraphError:
    """Say that the app secret is not the app's."""
    message = "Error validating client secret."
    return GraphError(1, None, message, kind="OAuthException", status=400)


def bad_session() -> GraphError:
    """Say that a token is not one that can be exchanged. Its code is not documented."""
    message = "Session key invalid. This could be because the session key has an incorrect format"
    return GraphError(452, None, message, kind="OAuthException", status=400)


def not_refreshable() -> GraphError:
    """Say that a token is too young, or short-lived. The code for it is not documented."""
    return _invalid(None, "The access token cannot be refreshed")


def no_object() -> GraphError:
    """Say that the path names nothing that this token may see."""
    message = (
        "Unsupported request. Object does not exist, cannot be loaded due to missing"
        " permissions, or does not support this operation"
    )
    return GraphError(100, 33, message, kind="GraphMethodException", status=400)


def deleted_message() -> GraphError:
    """Say that details are given for the newest 20 messages of a conversation only."""
    return _invalid(None, "The message has been deleted")


def bad_parameter(*, name: str) -> GraphError:
    """Say that a parameter is missing or has the wrong shape."""
    return _invalid(None, f"Param {name} is missing or invalid")


def no_user() -> GraphError:
    """Say that the recipient is unknown or has not written first."""
    return _invalid(2534014, "No matching user found")


def invalid_message() -> GraphError:
    """Say that the message is empty, too long or of a shape there is not."""
    return _invalid(2534015, "Invalid message data")


def action_with_message() -> GraphError:
    """Say that a sender action and a message cannot share a call."""
    return _invalid(2018014, "Cannot specify both a sender action and a message")


def media_unreachable() -> GraphError:
    """Say that the address of the media could not be fetched."""
    return _invalid(2018008, "Failed to fetch the file from the url")


def no_upload() -> GraphError:
    """Say that there is no upload of this id. Which subcode Meta gives is not documented."""
    return _invalid(2018008, "Attachment id does not exist")


def media_type() -> GraphError:
    """Say that the media is not what the message says it is."""
    return _invalid(2018047, "Upload attachment failure: media type does not match")


def media_size() -> GraphError:
    """Say that the media is too large."""
    return _invalid(2018109, "Attachment size exceeds allowable limit")


def outside_window() -> GraphError:
    """Say that the user last wrote too long ago."""
    message = "(#10) This message is sent outside of allowed window."
    return GraphError(WINDOW_CODE, 2534022, message, kind="OAuthException", status=400)


def throttled() -> GraphError:
    """Say that the account calls faster than it may."""
    message = "(#613) Calls to this api have exceeded the rate limit."
    return GraphError(613, 2534040, message, kind="OAuthException", status=400)


def used_up() -> GraphError:
    """Say that the hour's calls are used up. The minutes are in the usage headers."""
    message = "(#80006) There have been too many calls for this Messenger account."
    return GraphError(80006, None, message, kind="OAuthException", status=400)


def injected(error: InjectedError) -> GraphError:
    """Return an error as a fault says it."""
    return GraphError(
        error.code,
        error.subcode,
        "Injected by the simulator.",
        kind="OAuthException",
        status=error.status,
        regain_minutes=error.regain_minutes,
        retry_after=error.retry_after,
    )


def unknown_error() -> GraphError:
    """Say that something went wrong, perhaps after the message was sent."""
    message = "An unknown error has occurred."
    return GraphError(1, 1357046, message, kind="OAuthException", status=500)


def temporary_error() -> GraphError:
    """Say that the service is temporarily unavailable; nothing was done."""
    message = "Service temporarily unavailable"
    return GraphError(2, None, message, kind="OAuthException", status=500)
