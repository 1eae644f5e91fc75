"""What an error of the Graph API means, and how much of the limits is used."""

from __future__ import annotations

import inspect
import json
import pickle

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.errors import GraphError, NotSent, OutcomeUnknown, Refused, Throttled, TokenRejected
from vestlus.instagram.graph_errors import blames_content, classify, remedy_of, stops_account
from vestlus.instagram.graph_http import reason_of
from vestlus.instagram.graph_table import RULES, Remedy, Rule
from vestlus.instagram.usage import Load, Usage, parse_usage

CLASSES: dict[Remedy, type[GraphError]] = {
    Remedy.RETRY_AFTER: Throttled,
    Remedy.WAIT: NotSent,
    Remedy.LOOK_FIRST: OutcomeUnknown,
    Remedy.FIX_INPUT: Refused,
    Remedy.NEW_CONTAINER: Refused,
    Remedy.REAUTHENTICATE: TokenRejected,
    Remedy.STOP_ACCOUNT: Refused,
    Remedy.DROP: Refused,
}

BUSINESS = "X-Business-Use-Case-Usage"


def envelope(code: object, subcode: object = None, **more: object) -> dict[str, object]:
    error = {"message": "Omg", "type": "OAuthException", "code": code, "fbtrace_id": "A1", **more}
    return {"error": error if subcode is None else {**error, "error_subcode": subcode}}


def business(*minutes: float) -> dict[str, str]:
    cases = [
        {"type": "messenger", "call_count": 100, "estimated_time_to_regain_access": one}
        for one in minutes
    ]
    return {BUSINESS: json.dumps({"17841400000000001": cases})}


# The table.


@pytest.mark.parametrize(("codes", "rule"), RULES.items(), ids=str)
@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_each_row_of_the_table_decides_whatever_the_status(
    codes: tuple[int, int | None], rule: Rule, status: int
) -> None:
    code, subcode = codes
    error = classify(status, envelope(code, subcode), {})
    assert type(error) is CLASSES[rule.remedy]
    assert (error.reason, error.code, error.subcode) == (rule.reason, code, subcode or 0)
    assert remedy_of(error) is rule.remedy
    if isinstance(error, Throttled):
        assert error.retry_after == rule.wait_seconds


@pytest.mark.parametrize(("codes", "rule"), RULES.items(), ids=str)
def test_codes_written_as_text_are_the_same_codes(
    codes: tuple[int, int | None], rule: Rule
) -> None:
    code, subcode = codes
    error = classify(400, envelope(str(code), None if subcode is None else str(subcode)), {})
    assert error.reason == rule.reason


def test_an_unknown_subcode_leaves_the_decision_to_its_code() -> None:
    assert isinstance(classify(400, envelope(190, 492), {}), TokenRejected)
    assert isinstance(classify(400, envelope(613, 1), {}), Throttled)
    assert isinstance(classify(500, envelope(1, 99), {}), OutcomeUnknown)


def test_an_account_stops_for_its_token_and_for_what_meta_did_to_it() -> None:
    stopping = {codes for codes in RULES if stops_account(classify(400, envelope(*codes), {}))}
    assert stopping == {
        codes
        for codes, rule in RULES.items()
        if rule.remedy in {Remedy.STOP_ACCOUNT, Remedy.REAUTHENTICATE}
    }
    assert (10, 1893063) in stopping
    assert not stops_account(OutcomeUnknown("timeout"))
    assert stops_account(TokenRejected("token_missing"))


def test_only_errors_of_what_was_to_be_sent_are_blamed_on_it() -> None:
    blamed = {codes for codes in RULES if blames_content(classify(400, envelope(*codes), {}))}
    assert {(100, 2018008), (100, 2534015), (100, None)} <= blamed
    assert blamed == {codes for codes, rule in RULES.items() if rule.remedy is Remedy.FIX_INPUT}
    assert not blames_content(OutcomeUnknown("timeout"))
    assert not blames_content(Refused("too_many_pictures"))


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (Throttled("http_429"), Remedy.RETRY_AFTER),
        (NotSent("no_connection"), Remedy.WAIT),
        (NotSent("unknown_error", 1, 1357046), Remedy.WAIT),
        (Refused("http_404"), Remedy.DROP),
        (TokenRejected("token_missing"), Remedy.REAUTHENTICATE),
        (OutcomeUnknown("timeout"), Remedy.LOOK_FIRST),
    ],
    ids=str,
)
def test_what_the_table_does_not_decide_its_class_does(error: GraphError, remedy: Remedy) -> None:
    assert remedy_of(error) is remedy


# What the table does not have.


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_an_unknown_code_with_4xx_is_refused_by_its_number(status: int) -> None:
    error = classify(status, envelope(4711), {})
    assert (type(error), error.reason, error.code) == (Refused, "graph_4711", 4711)


def test_an_unknown_code_that_meta_calls_transient_may_have_been_done() -> None:
    error = classify(400, envelope(4711, is_transient=True), {})
    assert (type(error), error.reason) == (OutcomeUnknown, "graph_4711")


@pytest.mark.parametrize("status", [200, 302, 408, 500, 503])
def test_an_unknown_code_with_any_other_status_may_have_been_done(status: int) -> None:
    assert type(classify(status, envelope(4711), {})) is OutcomeUnknown


def test_an_unknown_code_with_429_is_throttled() -> None:
    assert type(classify(429, envelope(4711), {})) is Throttled


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (204, OutcomeUnknown),
        (301, OutcomeUnknown),
        (400, Refused),
        (404, Refused),
        (408, OutcomeUnknown),
        (429, Throttled),
        (499, Refused),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (599, OutcomeUnknown),
    ],
)
@pytest.mark.parametrize("content", [None, [], "text", 7, {}, {"error": "text"}, {"error": None}])
def test_without_an_envelope_the_status_decides(
    status: int, expected: type[GraphError], content: object
) -> None:
    error = classify(status, content, {})
    assert (type(error), error.reason, error.code) == (expected, f"http_{status}", 0)


# How long to wait.


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 5),
        (business(19), 19 * 60),
        (business(3, 19, 7), 19 * 60),
        (business(0), 5),
        ({**business(0), "Retry-After": "120"}, 120),
        ({**business(5), "Retry-After": "120"}, 300),
        ({"Retry-After": " 120 "}, 120),
        ({"Retry-After": "soon"}, 5),
        ({"Retry-After": "-5"}, 5),
        ({"Retry-After": "9" * 500}, 86_400),
        (business(10**9), 86_400),
        ({BUSINESS: "not json"}, 5),
    ],
)
def test_a_throttled_account_waits_as_long_as_meta_says(
    headers: dict[str, str], seconds: float
) -> None:
    error = classify(400, envelope(613, 2534040), headers)
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


def test_a_policy_block_waits_long() -> None:
    error = classify(400, envelope(368), {})
    assert isinstance(error, Throttled)
    assert error.retry_after == 3600


# Errors as they travel.


@pytest.mark.parametrize("codes", RULES, ids=str)
def test_an_error_survives_another_process_and_tells_no_text_of_metas(
    codes: tuple[int, int | None],
) -> None:
    error = classify(400, envelope(*codes, error_user_msg="Omg"), business(19))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(again), again.args, vars(again)) == (type(error), error.args, vars(error))
    assert "Omg" not in repr(error) + str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
ERRORS = st.fixed_dictionaries(
    {}, optional={"code": JSON, "error_subcode": JSON, "is_transient": JSON, "message": JSON}
)


@given(
    status=st.integers(100, 999),
    content=JSON | st.fixed_dictionaries({"error": ERRORS | JSON}),
    header=st.text() | JSON.map(json.dumps),
    retry=st.text(),
)
def test_whatever_an_answer_holds_it_means_one_of_ours(
    status: int, content: object, header: str, retry: str
) -> None:
    error = classify(status, content, {BUSINESS: header, "Retry-After": retry})
    assert isinstance(error, NotSent | Refused | OutcomeUnknown)
    if isinstance(error, Throttled):
        assert 0 < error.retry_after <= 86_400
    if status >= 500 and not isinstance(content, dict):
        assert isinstance(error, OutcomeUnknown)


def test_every_exception_of_aiohttps_client_has_a_reason() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(aiohttp.client_exceptions, inspect.isclass)
        if issubclass(kind, aiohttp.ClientError)
    ]
    assert aiohttp.ClientConnectorDNSError in kinds
    reasons = {kind.__name__: reason_of(kind) for kind in kinds}
    assert reasons["ClientConnectorDNSError"] == "no_address"
    assert reasons["ClientConnectorCertificateError"] == "tls"
    assert reasons["ClientConnectorSSLError"] == "tls"
    assert reasons["ClientConnectorError"] == "no_connection"
    assert reasons["ConnectionTimeoutError"] == "timeout"
    assert reasons["SocketTimeoutError"] == "timeout"
    assert reasons["ServerDisconnectedError"] == "disconnected"
    assert reasons["ClientOSError"] == "disconnected"
    assert reasons["ClientPayloadError"] == "answer_cut"
    assert reasons["ClientResponseError"] == "answer_malformed"


# Usage.


def test_usage_is_read_from_both_headers() -> None:
    headers = {
        "X-App-Usage": '{"call_count":28,"total_cputime":25,"total_time":26.5}',
        BUSINESS: json.dumps(
            {
                "17841400000000001": [
                    {
                        "type": "instagram",
                        "call_count": 100,
                        "total_cputime": 25,
                        "total_time": 25,
                        "estimated_time_to_regain_access": 19,
                    },
                    {"type": "messenger", "call_count": 3},
                ]
            }
        ),
    }
    usage = parse_usage(headers)
    assert usage.loads == (
        Load(calls=28, cpu=25, time=26.5),
        Load("instagram", "17841400000000001", 100, 25, 25, 19),
        Load("messenger", "17841400000000001", calls=3),
    )
    assert (usage.percent, usage.regain_seconds) == (100, 19 * 60)


@pytest.mark.parametrize(
    "header",
    ["", "{", "[]", "7", "null", "NaN", '"text"', "[" * 10_000, '{"a":' + "9" * 20_000 + "}"],
)
def test_a_usage_header_that_is_none_is_left_out(header: str) -> None:
    assert parse_usage({"X-App-Usage": header, BUSINESS: header}) == Usage()


def test_no_headers_are_no_usage() -> None:
    assert (parse_usage({}).percent, parse_usage({}).regain_seconds) == (0, 0)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-5", "true", '"50"', "null", "1" * 400])
def test_a_number_that_is_none_counts_for_nothing(value: str) -> None:
    assert parse_usage({"X-App-Usage": f'{{"call_count":{value},"total_time":7}}'}).percent == 7


@given(
    app=st.text() | JSON.map(json.dumps),
    cases=st.text()
    | st.dictionaries(
        st.text(),
        st.lists(
            JSON
            | st.dictionaries(
                st.sampled_from(
                    ["type", "call_count", "total_time", "estimated_time_to_regain_access"]
                ),
                JSON,
            )
        ),
        max_size=3,
    ).map(json.dumps),
)
def test_any_usage_header_gives_finite_percentages(app: str, cases: str) -> None:
    usage = parse_usage({"X-App-Usage": app, BUSINESS: cases})
    assert 0 <= usage.percent < float("inf")
    assert 0 <= usage.regain_seconds < float("inf")
