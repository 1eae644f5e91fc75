"""The checker objects to messages that are lost, and to nothing that was answered."""

import pytest

from tests.unit.checker_history import History, conversation
from vestlus.simulator.records import Attachment


def test_answers_in_order_are_good() -> None:
    history = conversation(2)
    history.answered("u1", "9-17 #u1-0")
    history.answered("u1", "9-17 #u1-1")

    verdict = history.verdict()

    assert verdict.ok
    assert (verdict.messages, verdict.marked, verdict.answered) == (2, 2, 2)


def test_one_answer_may_cover_a_burst() -> None:
    history = conversation(3)
    history.answered("u1", "9-17 #u1-0 #u1-1 #u1-2")

    assert history.verdict().ok


def test_a_message_that_no_answer_covers_is_lost() -> None:
    history = conversation(2)
    history.answered("u1", "9-17 #u1-0")

    verdict = history.verdict()

    assert not verdict.ok
    assert [breach["marker"] for breach in verdict.lost if isinstance(breach, dict)] == ["#u1-1"]


def test_a_message_without_a_marker_is_lost_if_nothing_came_after_it() -> None:
    history = History()
    history.asked("u1", "Tere!")
    assert len(history.verdict().lost) == 1

    history.answered("u1", "Tere!")
    assert history.verdict().ok


def test_what_was_not_accepted_or_calls_for_no_answer_is_not_lost() -> None:
    history = History()
    history.asked("u1", "Tere #u1-0", accepted=False)
    history.asked("u1", "Aitäh #u1-1").expects_answer = False

    verdict = history.verdict()

    assert verdict.ok
    assert verdict.not_accepted == 1


def test_an_answer_by_a_person_does_not_count() -> None:
    history = conversation(1)
    history.answered("u1", "9-17 #u1-0", author="person")

    assert len(history.verdict().lost) == 1


def test_a_disclosure_before_the_answer_does_no_harm() -> None:
    history = conversation(1)
    history.answered("u1", "Vastab automaatne abiline.\n\nAvatud 9-17 #u1-0")
    assert history.verdict().ok


def test_a_notice_without_the_marker_is_no_answer_to_a_question() -> None:
    history = conversation(1)
    history.answered("u1", "Vastab automaatne abiline.")
    assert len(history.verdict().lost) == 1


@pytest.mark.parametrize(
    "word", ["STOP", "lõpeta!", "Старт", "delete my data", "Kustuta mu andmed"]
)
def test_a_word_of_command_is_answered_with_a_fixed_text(word: str) -> None:
    history = History()
    history.asked("u1", f"{word} #u1-0")
    assert len(history.verdict().lost) == 1
    history.answered("u1", "Rohkem me ei kirjuta.")
    assert history.verdict().ok


def test_a_message_can_be_marked_as_one_that_any_answer_will_do_for() -> None:
    history = History()
    history.asked("u1", "Mul on väga halb #u1-0").any_answer = True
    history.asked("u1", "Mis kell? #u1-1")
    history.answered("u1", "9-17 #u1-1")
    assert [each["marker"] for each in history.verdict().lost if isinstance(each, dict)] == [
        "#u1-0"
    ]
    history.answered("u1", "Helista 112.")
    assert history.verdict().ok


def test_a_picture_alone_is_an_answer_and_one_beside_a_text_is_a_part_of_it() -> None:
    picture = (Attachment("image", "http://x"),)
    history = conversation(1)
    history.answered("u1", None).attachments = picture
    assert history.verdict().ok

    history = conversation(2)
    history.answered("u1", "9-17 #u1-0")
    history.answered("u1", None).attachments = picture
    assert len(history.verdict().lost) == 1


def test_a_message_that_was_taken_back_needs_no_answer() -> None:
    history = conversation(1)
    history.messages[0].unsent = True
    assert history.verdict().ok
    history.answered("u1", "9-17 #u1-0")
    assert history.verdict().ok


def test_an_edited_message_may_be_answered_as_it_was_or_as_it_is() -> None:
    for marker in ("#u1-0", "#u1-9"):
        history = conversation(1)
        message = history.messages[0]
        message.earlier_texts, message.text = (str(message.text),), "Mis päeval? #u1-9"
        assert len(history.verdict().lost) == 1
        history.answered("u1", f"9-17 {marker}")
        assert history.verdict().ok
