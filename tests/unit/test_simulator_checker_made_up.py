"""In any history the checker objects to any one broken guarantee, and to nothing else."""

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.checker_history import History
from vestlus.simulator.checker import Verdict


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
