from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from vestlus.assistant.port import Past, Question
from vestlus.conversation.history import Role
from vestlus.conversation.reply import PicturePart, Reply, TextPart
from vestlus.errors import AssistantInvalid, StoreUnavailable, VestlusError
from vestlus.evaluation.questions import Asked
from vestlus.evaluation.running import Evaluator, Outcome, Run, summary


class Scripted:
    """Answers by rule after so many seconds."""

    def __init__(self, script: Callable[[Question], Reply], seconds: float = 1.0) -> None:
        self.script = script
        self.seconds = seconds
        self.asked: list[Question] = []
        self.now = self.most = 0

    async def reply(self, question: Question) -> Reply:
        self.asked.append(question)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.seconds)
        self.now -= 1
        return self.script(question)

    async def summarise(self, past: Past) -> str:
        return past.summary

    async def aclose(self) -> None:
        """Nothing to close."""


def ask(
    assistant: Scripted, questions: Sequence[Asked], *, repeat: int = 1, at_once: int = 4
) -> tuple[tuple[Outcome, ...], list[Run]]:
    done: list[Run] = []

    async def main() -> tuple[Outcome, ...]:
        evaluator = Evaluator(assistant, clock=virtual_ms, monotonic=virtual_monotonic)
        return await evaluator.ask_all(questions, repeat=repeat, at_once=at_once, done=done.append)

    return run_virtual(main()), done


def question(*ask: str, must: str = "jah") -> Asked:
    return Asked.model_validate({"ask": list(ask), "must": must, "account": "7"})


def says(text: str) -> Callable[[Question], Reply]:
    return lambda _: Reply(parts=(TextPart(text),), language="et")


def test_a_question_passes_or_fails_with_reasons() -> None:
    outcomes, done = ask(Scripted(says("Jah!")), [question("a"), question("b", must="ei")])
    assert [one.passed for one in outcomes] == [True, False]
    assert outcomes[1].runs[0].problems == ('lacks "ei"',)
    assert len(done) == 2


def test_turns_follow_each_other_with_their_answers_as_history() -> None:
    def script(asked: Question) -> Reply:
        if not asked.history:
            return Reply(parts=(TextPart("Tere!"), PicturePart("map")), language="et")
        return Reply(parts=(TextPart("jah"),))

    assistant = Scripted(script)
    outcomes, _ = ask(assistant, [question("Tere", "Ja veel?")])
    first, second = assistant.asked
    assert outcomes[0].passed
    assert outcomes[0].runs[0].seconds == (1.0, 1.0)
    assert first.account == "7"
    assert (first.history, first.pictures_sent, first.language) == ((), (), "")
    assert [(one.role, one.text) for one in second.history] == [
        (Role.USER, "Tere"),
        (Role.ASSISTANT, "Tere!\n\n[picture map]"),
    ]
    assert [one.text for one in second.messages] == ["Ja veel?"]
    assert second.pictures_sent == ("map",)
    assert second.language == "et"
    assert second.user == first.user
    assert second.now_ms > first.now_ms


def test_everything_is_asked_as_often_as_wished_by_users_of_their_own() -> None:
    assistant = Scripted(says("jah"))
    outcomes, done = ask(assistant, [question("a"), question("b")], repeat=3)
    assert [len(one.runs) for one in outcomes] == [3, 3]
    assert len(done) == len({one.user for one in assistant.asked}) == 6


def test_a_question_that_passes_only_at_times_has_failed() -> None:
    answers = iter(["jah", "ei", "jah"])
    assistant = Scripted(lambda _: Reply(parts=(TextPart(next(answers)),)))
    (outcome,), _ = ask(assistant, [question("a")], repeat=3)
    assert not outcome.passed
    assert sum(run.passed for run in outcome.runs) == 2


def test_no_more_are_under_way_than_wished() -> None:
    assistant = Scripted(says("jah"))
    ask(assistant, [question(str(number)) for number in range(10)], at_once=3)
    assert assistant.most == 3


@pytest.mark.parametrize(
    ("error", "reason"),
    [(AssistantInvalid("refusal"), "refusal"), (StoreUnavailable(), "StoreUnavailable")],
)
def test_an_assistant_that_fails_is_a_failed_run(error: VestlusError, reason: str) -> None:
    def fail(_: Question) -> Reply:
        raise error

    (outcome,), _ = ask(Scripted(fail), [question("a", "b")])
    assert outcome.runs == (
        Run(problems=(f"has no answer: {reason}",), seconds=(1.0,), reply=None),
    )


def test_results_can_be_written_as_json() -> None:
    outcomes, _ = ask(Scripted(says("Jah õ")), [question("a"), question("b", must="ei")])
    written = json.loads(json.dumps([one.as_json() for one in outcomes]))
    assert written[1] == {
        "name": "b",
        "ask": ["b"],
        "account": "7",
        "passed": False,
        "runs": [
            {
                "passed": False,
                "problems": ['lacks "ei"'],
                "seconds": [1.0],
                "answer": "Jah õ",
                "language": "et",
                "handover": False,
                "pictures": [],
                "concern": None,
            }
        ],
    }


def run(seconds: float, *problems: str) -> Run:
    return Run(problems=problems, seconds=(seconds,), reply=None)


def test_a_summary_counts_questions_and_rates_runs() -> None:
    outcomes = [
        Outcome(question("a"), (run(1), run(2, "x"))),
        Outcome(question("b"), (run(3), run(4))),
    ]
    assert summary(outcomes).as_json() == {
        "questions": 2,
        "passed": 1,
        "failed": 1,
        "pass_rate": 0.75,
        "seconds": {"p50": 2, "p95": 4},
    }


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=200))
def test_so_many_of_a_hundred_answers_came_within_the_percentile(seconds: list[float]) -> None:
    found = summary([Outcome(question("a"), tuple(map(run, seconds)))])
    for percent, value in ((50, found.p50), (95, found.p95)):
        assert value in seconds
        assert sum(one <= value for one in seconds) * 100 >= percent * len(seconds)
        assert sum(one < value for one in seconds) * 100 < percent * len(seconds)
