"""The table of errors holds what Meta's pages list, row by row, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from vestlus.errors import GraphError, NotSent, OutcomeUnknown, Refused, Throttled, TokenRejected
from vestlus.instagram.graph_errors import (
    calls_for_a_person,
    classify,
    remedy_of,
    rule_of,
    rule_of_subcode,
    stops_account,
)
from vestlus.instagram.graph_table import RULES, SUBCODES, Remedy

Codes = tuple[int, int | None]


@dataclass(frozen=True)
class Fact:
    """One line of Meta's lists: codes that mean the same, and what is to be done about them."""

    means: str
    codes: tuple[Codes, ...]
    remedy: Remedy


def under(code: int, *subcodes: int | None) -> tuple[Codes, ...]:
    """A code with each of these subcodes; ``None`` is none."""
    return tuple((code, subcode) for subcode in subcodes)


def alone(*codes: int) -> tuple[Codes, ...]:
    """Codes without a subcode."""
    return tuple((code, None) for code in codes)


#: Meta, "Messenger Platform: common error codes", "Graph API: handling errors" and "rate limiting".
MESSAGES = (
    Fact("unknown; perhaps sent", under(1, None, 1357046), Remedy.LOOK_FIRST),
    Fact("temporary, or blocked by the user", alone(2), Remedy.LOOK_FIRST),
    Fact(
        "throttled",
        (*alone(4, 17, 32, 341, 80001, 80002, 80006), (613, 2534040)),
        Remedy.RETRY_AFTER,
    ),
    Fact("abusive tag rate", under(613, 2018338), Remedy.STOP_ACCOUNT),
    Fact("policy block, wait and retry", alone(368), Remedy.RETRY_AFTER),
    Fact("outside the window", under(10, 2534022, 2018278), Remedy.DROP),
    Fact("account restricted for a while", under(10, 1893063), Remedy.STOP_ACCOUNT),
    Fact("link to the Page, or 2FA", under(10, 2534077), Remedy.REAUTHENTICATE),
    Fact("no matching user", under(100, 2534014, 2018001), Remedy.DROP),
    Fact("invalid message, invalid private reply", under(100, 2534015, 2534025), Remedy.FIX_INPUT),
    Fact("an action with a message", under(100, 2018014), Remedy.FIX_INPUT),
    Fact("blocked from the messaging API", under(100, 2534029), Remedy.STOP_ACCOUNT),
    Fact("another app has the thread", under(100, 2534037, 2018300), Remedy.DROP),
    Fact(
        "media: fetch, type, size, time",
        under(100, 2018008, 2018047, 2018109, 2018294),
        Remedy.FIX_INPUT,
    ),
    Fact("token", under(190, None, 458, 459, 460, 463, 467), Remedy.REAUTHENTICATE),
    Fact("the owner disabled access to messages", under(200, 2534041), Remedy.STOP_ACCOUNT),
    Fact("the recipient has no role in the app", under(200, 2018028), Remedy.DROP),
    Fact(
        "person unavailable",
        ((200, 1545041), (551, None), (551, 1545041), (10, 2018108)),
        Remedy.DROP,
    ),
    Fact("no consent, no such user", alone(230, 9010), Remedy.DROP),
)

#: Meta, "Instagram Platform: error codes", of publishing.
POSTS = (
    Fact("the media's download took too long", under(-2, 2207003), Remedy.WAIT),
    Fact("a server's error, perhaps after the fact", under(-1, 2207001), Remedy.LOOK_FIRST),
    Fact("no container yet, for a while", under(24, 2207008), Remedy.WAIT),
    Fact("not ready yet", under(9007, 2207027), Remedy.WAIT),
    Fact(
        "the container is of no more use",
        ((-2, 2207020), (-1, 2207032), (-1, 2207053), (24, 2207006)),
        Remedy.NEW_CONTAINER,
    ),
    Fact("the day's posts are used up", under(9, 2207042), Remedy.WAIT),
    Fact("suspected spam; account restricted", ((4, 2207051), (25, 2207050)), Remedy.STOP_ACCOUNT),
    Fact("thumbnail's offset", under(1, 2207057), Remedy.FIX_INPUT),
    Fact("media type", under(100, 2207023), Remedy.FIX_INPUT),
    Fact("video's format", under(352, 2207026), Remedy.FIX_INPUT),
    Fact("address cannot be fetched", under(9004, 2207052), Remedy.FIX_INPUT),
    Fact(
        "image's size, format, ratio; caption",
        ((36000, 2207004), (36001, 2207005), (36003, 2207009), (36004, 2207010)),
        Remedy.FIX_INPUT,
    ),
)

#: Meta gives these without their code: carousel, product tags, tags; another app's thread.
WITHOUT_CODE = {
    **dict.fromkeys((2207028, 2207035, 2207036, 2207037, 2207040), Remedy.FIX_INPUT),
    2018300: Remedy.DROP,
}

#: What we make of codes with any other subcode than those listed.
OTHER_SUBCODES = {
    (-1, None): Remedy.LOOK_FIRST,
    (100, None): Remedy.FIX_INPUT,
    (613, None): Remedy.RETRY_AFTER,
}

FACTS = [(codes, fact.remedy) for fact in (*MESSAGES, *POSTS) for codes in fact.codes]

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


def told(codes: Codes) -> GraphError:
    """What an answer with these codes means. Meta gives HTTP 400 with almost all of them."""
    code, subcode = codes
    error = {"message": "", "code": code} | ({} if subcode is None else {"error_subcode": subcode})
    return classify(400, {"error": error}, {})


@pytest.mark.parametrize(("codes", "remedy"), FACTS, ids=str)
def test_each_error_of_metas_lists_has_its_class(codes: Codes, remedy: Remedy) -> None:
    error = told(codes)
    assert (type(error), remedy_of(error)) == (CLASSES[remedy], remedy)
    assert not error.reason.startswith("graph_")


@pytest.mark.parametrize(("subcode", "remedy"), WITHOUT_CODE.items())
def test_a_subcode_listed_without_its_code_decides_under_any(subcode: int, remedy: Remedy) -> None:
    for code in (1, 4, 100, 9004, 7777):
        assert remedy_of(told((code, subcode))) is remedy


def test_the_table_has_no_row_that_metas_lists_do_not_have() -> None:
    assert {codes: rule.remedy for codes, rule in RULES.items()} == dict(FACTS) | OTHER_SUBCODES
    assert {subcode: rule.remedy for subcode, rule in SUBCODES.items()} == WITHOUT_CODE


def test_suspected_spam_is_no_throttling_although_its_code_is_the_same() -> None:
    spam = told((4, 2207051))
    assert not isinstance(spam, NotSent)
    assert stops_account(spam)
    assert isinstance(told((4, None)), Throttled)
    assert isinstance(told((4, 99)), Throttled)


def test_the_same_code_is_an_ambiguous_send_and_a_senseless_thumbnail() -> None:
    assert isinstance(told((1, None)), OutcomeUnknown)
    assert isinstance(told((1, 2207057)), Refused)


def test_only_what_may_be_tried_again_has_a_number_of_tries_and_then_something_else() -> None:
    bounded = {codes: rule for codes, rule in RULES.items() if rule.tries is not None}
    assert bounded.keys() == {(-2, 2207003), (24, 2207008), (9007, 2207027)}
    for rule in bounded.values():
        assert rule.remedy is Remedy.WAIT
        assert rule.then in {Remedy.NEW_CONTAINER, Remedy.FIX_INPUT}
        # Meta: the 30 s to 2 min of a missing container, a minute between polls.
        assert 30 <= rule.wait_seconds <= 120
    assert all(rule.then is None for codes, rule in RULES.items() if codes not in bounded)


def test_a_failed_containers_status_is_understood_without_its_code() -> None:
    for code, subcode in RULES:
        if subcode is not None and 2207000 <= subcode < 2208000:
            assert rule_of_subcode(subcode) is rule_of(code, subcode)
    assert rule_of_subcode(2207028) is SUBCODES[2207028]
    assert rule_of_subcode(4711) is None
    assert rule_of_subcode(0) is None


def test_people_are_told_of_stopped_accounts_and_of_blocks_by_policy() -> None:
    telling = {codes for codes in RULES if calls_for_a_person(told(codes))}
    stopping = {codes for codes in RULES if stops_account(told(codes))}
    assert telling == stopping | {(368, None)}


def test_reasons_are_short_stable_words() -> None:
    for rule in [*RULES.values(), *SUBCODES.values()]:
        assert rule.reason.replace("_", "").isalpha()
        assert rule.reason.islower()
