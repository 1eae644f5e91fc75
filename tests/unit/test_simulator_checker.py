"""The checker objects to every broken guarantee, and to nothing else."""

from dataclasses import dataclass, field

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vestlus.simulator.checker import Verdict, check
from vestlus.simulator.graph_rate import OverLimit
from vestlus.simulator.records import (
    Attachment,
    Author,
    HandBack,
    Message,
    Refusal,
    TakeOver,
)

ACCOUNT = "17841400000000001"


@dataclass
class History:
    """Builds what a simulator would have seen; ticks count deliveries."""

    messages: list[Message] = field(default_factory=list)
    take_overs: list[TakeOver] = field(default_factory=list)
    hand_backs: list[HandBack] = field(default_factory=list)
    tick: int = 0

    def asked(self, user: str, text: str, *, accepted: bool = True, at_ms: int = 0) -> Message:
        """A user's message, delivered at once, in a POST of its own."""
        message = self._message(user, text, "user", at_ms)
        message.offered = self._next()
        message.accepted = self._next() if accepted else None
        return message

    def answered(self, user: str, text: str | None, author: Author = "api") -> Message:
        """A message that the user received, sent by a request or by a person in the app."""
        started = self._next()
        message = self._message(user, text, author, 0)
        if author == "api":
            message.started, message.started_at = started, float(started)
        return message

    def took_over(self, user: str, text: str = "Siin Mari") -> Message:
        """A person's answer, whose echo was answered 200 at once."""
        message = self.answered(user, text, "person")
        message.echoed = self._next()
        message.echoed_at = float(message.echoed)
        return message

    def taken_over(self, user: str) -> None:
        """A person has the conversation, without having written."""
        tick = self._next()
        self.take_overs.append(TakeOver(account=ACCOUNT, user=user, tick=tick, at=float(tick)))

    def handed_back(self, user: str) -> None:
        self.hand_backs.append(HandBack(account=ACCOUNT, user=user, tick=self._next()))

    def _next(self) -> int:
        self.tick += 1
        return self.tick

    def _message(self, user: str, text: str | None, author: Author, at_ms: int) -> Message:
        seq = len(self.messages) + 1
        message = Message(
            seq=seq,
            mid=f"m{seq}",
            account=ACCOUNT,
            user=user,
            direction="in" if author == "user" else "out",
            author=author,
            text=text,
            timestamp_ms=at_ms or seq,
        )
        self.messages.append(message)
        return message

    def verdict(self) -> Verdict:
        return check(self.messages, take_overs=self.take_overs, hand_backs=self.hand_backs)


def conversation(count: int, user: str = "u1") -> History:
    history = History()
    for number in range(count):
        history.asked(user, f"Mis kell? #{user}-{number}")
    return history


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


@st.composite
def good_histories(draw: st.DrawFn) -> tuple[History, list[tuple[str, list[str]]]]:
    """Users write; each is answered in order, in bursts of any size."""
    history = History()
    answers: list[tuple[str, list[str]]] = []
    counts = draw(st.lists(st.integers(1, 8), min_size=1, max_size=4))
    for user, count in enumerate(counts):
        markers = [f"#u{user}-{number}" for number in range(count)]
        for marker in markers:
            history.asked(f"user-{user}", f"Küsimus {marker}")
        while markers:
            size = draw(st.integers(1, len(markers)))
            answers.append((f"user-{user}", markers[:size]))
            markers = markers[size:]
    return history, answers


def give(history: History, answers: list[tuple[str, list[str]]]) -> Verdict:
    for user, markers in answers:
        history.answered(user, " ".join(["Vastus", *markers]))
    return history.verdict()


@given(good_histories())
def test_every_good_history_is_good(made: tuple[History, list[tuple[str, list[str]]]]) -> None:
    history, answers = made
    verdict = give(history, answers)
    assert verdict.ok
    assert verdict.answered == verdict.messages
    assert not verdict.order_unproven


@given(good_histories(), st.data())
def test_any_answer_after_a_person_is_noticed_and_any_before_is_not(
    made: tuple[History, list[tuple[str, list[str]]]], data: st.DataObject
) -> None:
    history, answers = made
    place = data.draw(st.integers(0, len(answers)))
    user = data.draw(st.sampled_from(sorted({user for user, _ in answers})))
    for number, (to, markers) in enumerate(answers):
        if number == place:
            history.took_over(user)
        history.answered(to, " ".join(["Vastus", *markers]))
    late = [to for to, _ in answers[place:] if to == user]
    assert len(history.verdict().after_person) == len(late)


@given(good_histories(), st.data())
def test_any_answer_left_out_is_noticed(
    made: tuple[History, list[tuple[str, list[str]]]], data: st.DataObject
) -> None:
    history, answers = made
    left_out = data.draw(st.sampled_from(answers))
    verdict = give(history, [answer for answer in answers if answer is not left_out])
    assert len(verdict.lost) == len(left_out[1])


@given(good_histories(), st.data())
def test_any_answer_given_again_is_noticed(
    made: tuple[History, list[tuple[str, list[str]]]], data: st.DataObject
) -> None:
    history, answers = made
    again = data.draw(st.sampled_from(answers))
    verdict = give(history, [*answers, again])
    assert len(verdict.duplicated) == len(again[1])


@given(good_histories(), st.data())
def test_any_two_answers_swapped_are_noticed(
    made: tuple[History, list[tuple[str, list[str]]]], data: st.DataObject
) -> None:
    history, answers = made
    places = [i for i in range(1, len(answers)) if answers[i - 1][0] == answers[i][0]]
    assume(places)
    place = data.draw(st.sampled_from(places))
    answers[place - 1], answers[place] = answers[place], answers[place - 1]
    verdict = give(history, answers)
    assert verdict.out_of_order
    assert not verdict.ok


@given(good_histories(), st.data())
def test_any_answer_to_another_user_is_noticed(
    made: tuple[History, list[tuple[str, list[str]]]], data: st.DataObject
) -> None:
    history, answers = made
    place = data.draw(st.integers(0, len(answers) - 1))
    answers[place] = ("somebody-else", answers[place][1])
    assert not give(history, answers).ok
