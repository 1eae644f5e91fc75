"""What an answer of the Graph API other than a success means for the request that was made.

:mod:`vestlus.instagram.graph_table` has the codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from vestlus.errors import (
    GraphError,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
    TokenRejected,
)
from vestlus.instagram.graph_table import RULES, SUBCODES, Remedy, Rule
from vestlus.instagram.usage import parse_usage

_THROTTLED: Final = Rule(Remedy.RETRY_AFTER, "throttled")

#: However long a header says, an account is tried again within a day.
_LONGEST_WAIT_SECONDS: Final = 86_400.0

_MAX_CODE_DIGITS: Final = 18


def rule_of(code: int, subcode: int) -> Rule | None:
    """The row for an error, or None where the table has none."""
    return RULES.get((code, subcode)) or SUBCODES.get(subcode) or RULES.get((code, None))


def rule_of_subcode(subcode: int) -> Rule | None:
    """The row for a subcode that comes without its code, or None.

    Meta, "IG Container": the ``status`` of a container that failed is an error's subcode.
    """
    listed = (rule for (_, known), rule in RULES.items() if subcode and known == subcode)
    return SUBCODES.get(subcode) or next(listed, None)


def remedy_of(error: GraphError) -> Remedy:
    """What to do about an error, those included that the table does not know."""
    rule = rule_of(error.code, error.subcode)
    # What only reads does nothing, so that whatever its error is called, nothing is in doubt.
    if rule is not None and not (rule.remedy is Remedy.LOOK_FIRST and isinstance(error, NotSent)):
        return rule.remedy
    match error:
        case Throttled():
            return Remedy.RETRY_AFTER
        case NotSent():
            return Remedy.WAIT
        case TokenRejected():
            return Remedy.REAUTHENTICATE
        case Refused():
            return Remedy.DROP
        case _:
            return Remedy.LOOK_FIRST


def stops_account(error: GraphError) -> bool:
    """Whether nothing more of this account should be sent until a person has looked at it."""
    return remedy_of(error) in {Remedy.STOP_ACCOUNT, Remedy.REAUTHENTICATE}


def calls_for_a_person(error: GraphError) -> bool:
    """Whether somebody should be told now: a stopped account, or a block by policy."""
    rule = rule_of(error.code, error.subcode)
    return stops_account(error) or (rule is not None and rule.alert)


def blames_content(error: GraphError) -> bool:
    """Whether Graph finds fault with what was to be sent, and not with its sender or receiver."""
    return remedy_of(error) is Remedy.FIX_INPUT


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
        case Remedy.WAIT:
            return NotSent(rule.reason, code, subcode)
        case Remedy.LOOK_FIRST:
            return OutcomeUnknown(rule.reason, code, subcode)
        case Remedy.REAUTHENTICATE:
            return TokenRejected(rule.reason, code, subcode)
        case Remedy.FIX_INPUT | Remedy.NEW_CONTAINER | Remedy.STOP_ACCOUNT | Remedy.DROP:
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
    """Meta's code, 0 where there is none; some are negative. Some answers write it as text."""
    if isinstance(value, str):
        digits = value.removeprefix("-")
        is_number = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_CODE_DIGITS
        return int(value) if is_number else 0
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
