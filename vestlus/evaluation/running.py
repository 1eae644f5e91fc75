"""Asks the questions, several at a time, and sums up."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vestlus.assistant.port import Assistant, Question
from vestlus.clock import Clock
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.reply import Reply, TextPart
from vestlus.errors import RejectedError, VestlusError
from vestlus.evaluation.judging import judge
from vestlus.evaluation.questions import Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One question asked once. ``reply``: the last answer, None where none came."""

    problems: tuple[str, ...]
    #: How long each answer of the conversation took, seconds.
    seconds: tuple[float, ...]
    reply: Reply | None

    @property
    def passed(self) -> bool:
        """Whether the answer is as expected."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        reply = self.reply
        return {
            "passed": self.passed,
            "problems": list(self.problems),
            "seconds": [round(one, 3) for one in self.seconds],
            "answer": reply.text if reply else None,
            "language": reply.language if reply else None,
            "handover": reply.handover if reply else None,
            "pictures": list(reply.pictures) if reply else None,
            "concern": reply.concern if reply else None,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question and all its runs. It passes if they all do."""

    asked: Asked
    runs: tuple[Run, ...]

    @property
    def passed(self) -> bool:
        """Whether every answer is as expected."""
        return all(run.passed for run in self.runs)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "name": self.asked.title,
            "ask": list(self.asked.ask),
            "account": self.asked.account,
            "passed": self.passed,
            "runs": [run.as_json() for run in self.runs],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All outcomes in a few numbers."""

    questions: int
    passed: int
    #: Of all runs, the share that passed, 0 to 1.
    pass_rate: float
    #: Seconds within which half, and 95 of 100, of all answers came.
    p50: float
    p95: float

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "questions": self.questions,
            "passed": self.passed,
            "failed": self.questions - self.passed,
            "pass_rate": round(self.pass_rate, 4),
            "seconds": {"p50": round(self.p50, 3), "p95": round(self.p95, 3)},
        }


def summary(outcomes: Sequence[Outcome]) -> Summary:
    """Sums up. There is at least one outcome, and it has at least one run."""
    runs = [run for outcome in outcomes for run in outcome.runs]
    seconds = sorted(one for run in runs for one in run.seconds)
    return Summary(
        questions=len(outcomes),
        passed=sum(outcome.passed for outcome in outcomes),
        pass_rate=sum(run.passed for run in runs) / len(runs),
        p50=_percentile(seconds, 50),
        p95=_percentile(seconds, 95),
    )


class Evaluator:
    """Asks an assistant. ``clock``: milliseconds since 1970; ``monotonic``: seconds."""

    def __init__(
        self, assistant: Assistant, *, clock: Clock, monotonic: Callable[[], float]
    ) -> None:
        self._assistant = assistant
        self._clock = clock
        self._monotonic = monotonic

    async def ask_all(
        self,
        questions: Sequence[Asked],
        *,
        repeat: int,
        at_once: int,
        done: Callable[[Run], None],
    ) -> tuple[Outcome, ...]:
        """Asks each question ``repeat`` times, ``at_once`` of them at a time.

        ``done`` is called after each run. Failures of the assistant are problems of the run.
        """
        gate = asyncio.Semaphore(at_once)

        async def run(asked: Asked, user: str) -> Run:
            async with gate:
                finished = await self._run(asked, user)
            done(finished)
            return finished

        async with asyncio.TaskGroup() as group:
            tasks = [
                [
                    group.create_task(run(asked, f"evaluation-{number}-{time}"), name="question")
                    for time in range(repeat)
                ]
                for number, asked in enumerate(questions)
            ]
        return tuple(
            Outcome(asked, tuple(task.result() for task in each))
            for asked, each in zip(questions, tasks, strict=True)
        )

    async def _run(self, asked: Asked, user: str) -> Run:
        history: tuple[HistoryMessage, ...] = ()
        shown: tuple[str, ...] = ()
        seconds: list[float] = []
        reply = Reply(parts=())
        for text in asked.ask:
            now = self._clock()
            message = HistoryMessage(Role.USER, text, now)
            question = Question(
                account=asked.account or "",
                user=user,
                history=history,
                messages=(message,),
                now_ms=now,
                pictures_sent=shown,
                language=reply.language,
            )
            start = self._monotonic()
            try:
                reply = await self._assistant.reply(question)
            except VestlusError as error:
                why = error.reason if isinstance(error, RejectedError) else type(error).__name__
                seconds.append(self._monotonic() - start)
                return Run(problems=(f"has no answer: {why}",), seconds=(*seconds,), reply=None)
            seconds.append(self._monotonic() - start)
            answer = HistoryMessage(Role.ASSISTANT, _spoken(reply), self._clock())
            history = (*history, message, answer)
            shown = (*shown, *reply.pictures)
        return Run(problems=judge(asked, reply), seconds=(*seconds,), reply=reply)


def _spoken(reply: Reply) -> str:
    """An answer as a later prompt has it."""
    return "\n\n".join(
        part.text if isinstance(part, TextPart) else f"[picture {part.picture}]"
        for part in reply.parts
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The value that so many of a hundred do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
