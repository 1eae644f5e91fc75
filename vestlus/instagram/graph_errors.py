"""What the Graph API's error codes mean for a request that was made.

Codes and meanings: Meta, "Messenger Platform: common error codes", "Graph API: handling errors"
and "Graph API: rate limiting"; for 230 and 9010, what open-source inboxes meet. What to do about
each is our judgement: where a message may have been sent all the same, look before sending again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from vestlus.errors import GraphError, OutcomeUnknown, Refused, Throttled, TokenRejected
from vestlus.instagram.usage import parse_usage


class Remedy(StrEnum):
    """What to do when a request met an error."""

    #: Not done. The whole account waits, then the same may be tried again: ``Throttled``.
    RETRY_AFTER = "retry after"
    #: Perhaps done. Look before trying again: ``OutcomeUnknown``.
    LOOK_FIRST = "look first"
    #: Not done, and the same input will never do: ``Refused``.
    FIX_INPUT = "fix input"
    #: Not done. Nothing of this account works until it is connected anew: ``TokenRejected``.
    REAUTHENTICATE = "re-authenticate"
    #: Not done. Meta has stopped this account; a person must look: ``Refused``, and
    #: :func:`stops_account` says so.
    STOP_ACCOUNT = "stop account"
    #: Not done, and nothing to mend on our side: ``Refused``.
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. ``wait_seconds`` is used where no header tells a longer wait."""

    remedy: Remedy
    reason: str
    wait_seconds: float = 60.0


_THROTTLED: Final = Rule(Remedy.RETRY_AFTER, "throttled")
_TOKEN: Final = Remedy.REAUTHENTICATE

#: By code and subcode; a subcode of None is the code's own row, for all other subcodes.
RULES: Final[dict[tuple[int, int | None], Rule]] = {
    # 1/1357046: "messages are all sent successfully, but the endpoint returns an error"
    (1, None): Rule(Remedy.LOOK_FIRST, "unknown_error"),
    (1, 1357046): Rule(Remedy.LOOK_FIRST, "sent_with_error"),
    # Also what a block by the user looks like.
    (2, None): Rule(Remedy.LOOK_FIRST, "temporary_error"),
    # Limits. Calling while limited prolongs it.
    (4, None): _THROTTLED,
    (17, None): _THROTTLED,
    (32, None): _THROTTLED,
    (341, None): _THROTTLED,
    (613, None): _THROTTLED,
    # An account's messages a second: over in seconds, and Meta states no wait for it.
    (613, 2534040): Rule(Remedy.RETRY_AFTER, "throttled", wait_seconds=5.0),
    (80001, None): _THROTTLED,
    (80002, None): _THROTTLED,
    (80006, None): _THROTTLED,
    (613, 2018338): Rule(Remedy.STOP_ACCOUNT, "abusive_tag_rate"),
    # "Wait and retry": a policy block, which minutes do not lift.
    (368, None): Rule(Remedy.RETRY_AFTER, "policy_block", wait_seconds=3600.0),
    # Permission and the messaging window.
    (10, 2534022): Rule(Remedy.DROP, "outside_window"),
    (10, 2018278): Rule(Remedy.DROP, "outside_window"),
    (10, 2018108): Rule(Remedy.DROP, "person_unavailable"),
    (10, 1893063): Rule(Remedy.STOP_ACCOUNT, "account_restricted"),
    (10, 2534077): Rule(Remedy.REAUTHENTICATE, "account_link_broken"),
    # Parameters.
    (100, None): Rule(Remedy.FIX_INPUT, "invalid_parameter"),
    (100, 2534014): Rule(Remedy.DROP, "no_matching_user"),
    (100, 2018001): Rule(Remedy.DROP, "no_matching_user"),
    (100, 2534015): Rule(Remedy.FIX_INPUT, "invalid_message"),
    (100, 2534025): Rule(Remedy.FIX_INPUT, "invalid_private_reply"),
    (100, 2018014): Rule(Remedy.FIX_INPUT, "action_with_message"),
    (100, 2534029): Rule(Remedy.STOP_ACCOUNT, "messaging_blocked"),
    (100, 2534037): Rule(Remedy.DROP, "not_thread_owner"),
    (100, 2018300): Rule(Remedy.DROP, "not_thread_owner"),
    (100, 2018008): Rule(Remedy.FIX_INPUT, "media_unreachable"),
    (100, 2018047): Rule(Remedy.FIX_INPUT, "media_type"),
    (100, 2018109): Rule(Remedy.FIX_INPUT, "media_size"),
    (100, 2018294): Rule(Remedy.FIX_INPUT, "media_timeout"),
    # The access token.
    (190, None): Rule(_TOKEN, "token_invalid"),
    (190, 458): Rule(_TOKEN, "app_not_installed"),
    (190, 459): Rule(_TOKEN, "token_checkpoint"),
    (190, 460): Rule(_TOKEN, "password_changed"),
    (190, 463): Rule(_TOKEN, "token_expired"),
    (190, 467): Rule(_TOKEN, "token_invalid"),
    # People and owners.
    (200, 2534041): Rule(Remedy.STOP_ACCOUNT, "message_access_disabled"),
    (200, 2018028): Rule(Remedy.DROP, "recipient_without_role"),
    (200, 1545041): Rule(Remedy.DROP, "person_unavailable"),
    (551, None): Rule(Remedy.DROP, "person_unavailable"),
    (551, 1545041): Rule(Remedy.DROP, "person_unavailable"),
    (230, None): Rule(Remedy.DROP, "consent_required"),
    (9010, None): Rule(Remedy.DROP, "no_matching_user"),
}

#: Subcodes that Meta lists without their code.
SUBCODES: Final[dict[int, Rule]] = {2018300: Rule(Remedy.DROP, "not_thread_owner")}

#: However long a header says, an account is tried again within a day.
_LONGEST_WAIT_SECONDS: Final = 86_400.0

_MAX_CODE_DIGITS: Final = 18


def rule_of(code: int, subcode: int) -> Rule | None:
    """The row for an error, or None where the table has none."""
    return RULES.get((code, subcode)) or SUBCODES.get(subcode) or RULES.get((code, None))


def stops_account(error: GraphError) -> bool:
    """Whether nothing more of this account should be sent until a person has looked at it."""
    rule = rule_of(error.code, error.subcode)
    stopped = rule is not None and rule.remedy is Remedy.STOP_ACCOUNT
    return stopped or isinstance(error, TokenRejected)


def blames_content(error: GraphError) -> bool:
    """Whether Graph finds fault with what was to be sent, and not with its sender or receiver."""
    rule = rule_of(error.code, error.subcode)
    return rule is not None and rule.remedy is Remedy.FIX_INPUT


def classify(status: int, envelope: object, headers: Mapping[str, str]) -> GraphError:
    """What an answer other than a success means. ``envelope`` is its JSON, None if it had none.

    What the table does not know is judged by what can do least harm: an unknown code with 4xx is
    ``Refused("graph_{code}")``, unless Meta marks it as transient; with any other status the
    request may have been carried out. Without an envelope 429 is ``Throttled``, another 4xx is
    ``Refused("http_{status}")`` (408, a proxy's "I stopped waiting", is not), and everything
    else is ``OutcomeUnknown("http_{status}")``.
    """
    error = envelope.get("error") if isinstance(envelope, dict) else None
    if not isinstance(error, dict):
        return _without_envelope(status, headers)
    code, subcode = _code(error.get("code")), _code(error.get("error_subcode"))
    rule = rule_of(code, subcode)
    if rule is not None:
        return _by_rule(rule, code, subcode, headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _by_rule(_THROTTLED, code, subcode, headers)
    reason = f"graph_{code}"
    if _is_refusal(status) and error.get("is_transient") is not True:
        return Refused(reason, code, subcode)
    return OutcomeUnknown(reason, code, subcode)


def _by_rule(rule: Rule, code: int, subcode: int, headers: Mapping[str, str]) -> GraphError:
    match rule.remedy:
        case Remedy.RETRY_AFTER:
            return Throttled(rule.reason, code, subcode, _wait(rule, headers))
        case Remedy.LOOK_FIRST:
            return OutcomeUnknown(rule.reason, code, subcode)
        case Remedy.REAUTHENTICATE:
            return TokenRejected(rule.reason, code, subcode)
        case Remedy.FIX_INPUT | Remedy.STOP_ACCOUNT | Remedy.DROP:
            return Refused(rule.reason, code, subcode)


def _without_envelope(status: int, headers: Mapping[str, str]) -> GraphError:
    reason = f"http_{status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(reason, retry_after=_wait(_THROTTLED, headers))
    return Refused(reason) if _is_refusal(status) else OutcomeUnknown(reason)


def _is_refusal(status: int) -> bool:
    is_4xx = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return is_4xx and status != HTTPStatus.REQUEST_TIMEOUT


def _wait(rule: Rule, headers: Mapping[str, str]) -> float:
    """Seconds: Meta's estimate, else Retry-After in seconds, else the rule's."""
    told = parse_usage(headers).regain_seconds
    if not told:
        given = headers.get("Retry-After", "").strip()
        told = float(given) if given.isascii() and given.isdigit() else 0.0
    return min(told or rule.wait_seconds, _LONGEST_WAIT_SECONDS)


def _code(value: object) -> int:
    """Meta's code, 0 where there is none. Some answers have written it as text."""
    if (
        isinstance(value, str)
        and value.isascii()
        and value.isdigit()
        and len(value) <= _MAX_CODE_DIGITS
    ):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
