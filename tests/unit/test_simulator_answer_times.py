"""How old an answer is at least, by when the model first gave its markers."""

from vestlus.simulator.answer_times import MOST, AnswerTimes


def test_an_answer_is_as_old_as_the_first_that_had_its_newest_marker() -> None:
    times = AnswerTimes()
    times.note("9-17 #u1-1", 10.0)
    times.note("9-17 #u1-1 #u1-2", 20.0)
    # A summary, or another try at the same answer.
    times.note("Küsiti #u1-1 #u1-2", 30.0)
    assert times.of("9-17 #u1-1") == 10.0
    assert times.of("9-17 #u1-1 #u1-2") == 20.0


def test_nothing_is_known_of_what_the_model_never_gave() -> None:
    times = AnswerTimes()
    times.note("Tere", 10.0)
    assert times.of("Tere") is None
    assert times.of("9-17 #u1-1") is None
    assert times.of(None) is None


def test_the_oldest_markers_are_forgotten() -> None:
    times = AnswerTimes()
    for number in range(MOST + 5):
        times.note(f"#u1-{number}", float(number))
    assert times.of("#u1-4") is None
    assert times.of("#u1-5") == 5.0
