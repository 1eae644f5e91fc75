"""The checker objects to answers given twice, out of order, or to someone else."""

from tests.unit.checker_history import History, conversation


def test_a_marker_answered_twice_is_a_duplicate() -> None:
    history = conversation(1)
    history.answered("u1", "9-17 #u1-0")
    history.answered("u1", "9-17 #u1-0")

    verdict = history.verdict()

    assert not verdict.ok
    assert len(verdict.duplicated) == 1


def test_a_marker_asked_twice_may_be_answered_twice() -> None:
    history = History()
    for _ in range(2):
        history.asked("u1", "Mis kell? #u1-0")
        history.answered("u1", "9-17 #u1-0")

    assert history.verdict().ok


def test_answers_against_the_accepted_order_are_out_of_order() -> None:
    history = conversation(2)
    history.answered("u1", "9-17 #u1-1")
    history.answered("u1", "9-17 #u1-0")

    verdict = history.verdict()

    assert not verdict.ok
    assert len(verdict.out_of_order) == 1


def test_the_order_is_that_of_acceptance_and_not_of_writing() -> None:
    history = conversation(2)
    first = history.messages[0]
    first.offered, first.accepted = 5, 6
    history.answered("u1", "9-17 #u1-1")
    history.answered("u1", "9-17 #u1-0")
    assert history.verdict().ok

    history.messages[2:] = []
    history.answered("u1", "9-17 #u1-0")
    history.answered("u1", "9-17 #u1-1")
    assert len(history.verdict().out_of_order) == 1


def test_order_of_overlapping_deliveries_is_reported_but_proves_nothing() -> None:
    history = conversation(2)
    # The first was offered, answered 503, and accepted only after the second.
    history.messages[0].accepted = 9
    history.answered("u1", "9-17 #u1-0")
    history.answered("u1", "9-17 #u1-1")

    verdict = history.verdict()

    assert verdict.ok
    assert len(verdict.order_unproven) == 1


def test_messages_of_one_post_are_in_the_order_of_their_timestamps() -> None:
    history = conversation(2)
    for message in history.messages:
        message.offered, message.accepted = 1, 2
    history.answered("u1", "9-17 #u1-1")
    history.answered("u1", "9-17 #u1-0")

    assert len(history.verdict().out_of_order) == 1


def test_markers_within_one_answer_follow_the_timestamps() -> None:
    history = conversation(2)
    history.answered("u1", "9-17 #u1-1 #u1-0")
    assert len(history.verdict().out_of_order) == 1


def test_an_answer_for_someone_else_is_misdirected() -> None:
    history = conversation(1, "u1")
    history.asked("u2", "Mis kell? #u2-0")
    history.answered("u1", "9-17 #u1-0")
    history.answered("u1", "9-17 #u2-0")

    verdict = history.verdict()

    assert len(verdict.misdirected) == 1
    assert len(verdict.lost) == 1
