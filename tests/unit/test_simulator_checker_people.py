"""The checker objects to answers after a person, outside the window and over the rate."""

from tests.unit.checker_history import ACCOUNT, conversation
from vestlus.simulator.checker import check
from vestlus.simulator.graph_rate import OverLimit
from vestlus.simulator.records import Refusal


def test_nothing_may_be_sent_after_a_person_until_it_is_handed_back() -> None:
    history = conversation(1)
    history.took_over("u1")
    late = history.answered("u1", "9-17 #u1-0")
    verdict = history.verdict()
    assert not verdict.ok
    assert [each["mid"] for each in verdict.after_person if isinstance(each, dict)] == [late.mid]
    late.tag = "HUMAN_AGENT"
    assert history.verdict().ok

    history = conversation(1)
    history.took_over("u1")
    history.handed_back("u1")
    history.answered("u1", "9-17 #u1-0")
    assert history.verdict().ok


def test_nothing_may_be_sent_after_a_take_over_until_it_is_handed_back() -> None:
    history = conversation(1)
    history.answered("u1", "9-17 #u1-0")
    history.taken_over("u1")
    history.asked("u1", "Ja pühapäeval? #u1-1")
    verdict = history.verdict()
    assert (verdict.ok, verdict.left_to_person) == (True, 1)
    early = history.answered("u1", "Kinni #u1-1")
    verdict = history.verdict()
    assert not verdict.ok
    assert [each["mid"] for each in verdict.after_person if isinstance(each, dict)] == [early.mid]

    history = conversation(1)
    history.taken_over("u1")
    history.handed_back("u1")
    history.answered("u1", "9-17 #u1-0")
    assert history.verdict().ok


def test_what_started_before_the_echo_was_answered_is_no_breach() -> None:
    history = conversation(1)
    answer = history.answered("u1", "9-17 #u1-0")
    history.took_over("u1")
    assert history.verdict().ok
    assert answer.started is not None
    # Until its echo is answered 200 the service cannot know of the person.
    history = conversation(1)
    history.answered("u1", "Siin Mari", author="person")
    history.answered("u1", "9-17 #u1-0")
    assert history.verdict().ok


def test_a_grace_forgives_what_started_within_it() -> None:
    history = conversation(1)
    history.took_over("u1")
    history.answered("u1", "9-17 #u1-0")
    assert check(history.messages, grace_seconds=5).ok
    assert not check(history.messages, grace_seconds=0.5).ok


def test_a_persons_conversation_concerns_nobody_else() -> None:
    history = conversation(1, "u1")
    history.took_over("u2")
    history.handed_back("u3")
    history.answered("u1", "9-17 #u1-0")
    assert history.verdict().ok


def test_what_is_written_while_a_person_has_the_conversation_is_left_to_the_person() -> None:
    history = conversation(1)
    history.took_over("u1")
    history.asked("u1", "Ja pühapäeval? #u1-1")
    history.handed_back("u1")
    history.asked("u1", "Aga laupäeval? #u1-2")
    verdict = history.verdict()
    assert verdict.left_to_person == 2
    assert [each["marker"] for each in verdict.lost if isinstance(each, dict)] == ["#u1-2"]


def test_a_send_outside_the_window_is_a_breach() -> None:
    refusal = Refusal(account=ACCOUNT, user="u1", at=1.0, seq=1)
    verdict = check([], refusals=[refusal])
    assert not verdict.ok
    assert len(verdict.outside_window) == 1


def test_a_call_over_an_accounts_rate_is_a_breach() -> None:
    verdict = check([], over_limit=[OverLimit(account=ACCOUNT, op="send", seq=3)])
    assert not verdict.ok
    assert verdict.to_json()["over_limit"] == [{"account": ACCOUNT, "op": "send", "seq": 3}]
