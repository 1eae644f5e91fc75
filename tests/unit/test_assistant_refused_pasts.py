from __future__ import annotations

from dataclasses import replace

from vestlus.assistant.port import Question
from vestlus.assistant.refused_pasts import RefusedPasts
from vestlus.conversation.history import HistoryMessage, Role


def said(*texts: str) -> tuple[HistoryMessage, ...]:
    return tuple(HistoryMessage(Role.USER, text, at) for at, text in enumerate(texts))


def question(*history: str, user: str = "u") -> Question:
    return Question(
        account="a",
        user=user,
        history=said(*history),
        messages=said("now"),
        now_ms=9,
        summary="before",
    )


def test_what_came_since_the_refused_past_is_asked_with() -> None:
    pasts = RefusedPasts()
    pasts.remember(question("vile", "no"))
    later = question("older", "vile", "no", "when?", "at ten")
    later = replace(later, history=(*said("vile", "no"), *later.history[3:]))
    assert pasts.since(later) == replace(later, history=later.history[2:], summary="")
    # The mid becomes known later, and tells nothing.
    known = replace(later, history=tuple(replace(one, mid="m") for one in later.history))
    assert pasts.since(known).history == known.history[2:]


def test_of_several_refused_pasts_the_newest_counts() -> None:
    pasts = RefusedPasts()
    asked = question("vile", "no", "viler", "no")
    pasts.remember(replace(asked, history=asked.history[:2]))
    pasts.remember(asked)
    assert pasts.since(asked).history == ()


def test_a_past_that_left_the_history_is_asked_with_as_any() -> None:
    pasts = RefusedPasts()
    pasts.remember(question("vile"))
    later = replace(question(), history=said("vile", "b", "c")[1:])
    assert pasts.since(later) is later


def test_another_user_s_same_words_are_not_refused_for_it() -> None:
    pasts = RefusedPasts()
    pasts.remember(question("vile"))
    other = question("vile", user="other")
    assert pasts.since(other) is other
    elsewhere = replace(question("vile"), account="b")
    assert pasts.since(elsewhere) is elsewhere


def test_a_summary_without_a_history_has_no_end_to_remember() -> None:
    pasts = RefusedPasts()
    pasts.remember(question())
    assert pasts.since(question()) == question()


def test_no_more_is_remembered_than_there_is_room_for_the_newest() -> None:
    pasts = RefusedPasts(most=2)
    asked = [question(text) for text in ("a", "b", "c")]
    for one in asked:
        pasts.remember(one)
    assert [bool(pasts.since(one).history) for one in asked] == [True, False, False]
