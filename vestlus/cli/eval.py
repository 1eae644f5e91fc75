"""``vestlus eval``: how the configured assistant answers, measured by expected facts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

if TYPE_CHECKING:
    from rich.table import Table

    from vestlus.evaluation.questions import Evaluation
    from vestlus.evaluation.running import Outcome, Run, Summary
    from vestlus.settings import Settings

#: The simulator wants a place for webhooks; nothing that is done here makes it send one.
_NOWHERE = "http://127.0.0.1:9/webhook"
#: How much of a question fits into a row of the table.
_SHORT = 60

_SOME_FAILED = 1
_FILE_IS_WRONG = 2


def eval_(
    file: Path,
    *,
    simulator: Annotated[bool, Parameter(negative="")] = False,
    account: str | None = None,
    repeat: Annotated[int, Parameter(validator=Number(gte=1, lte=100))] = 1,
    at_once: Annotated[int, Parameter(validator=Number(gte=1, lte=64))] = 4,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Ask the configured assistant questions, and judge its answers by expected facts.

    The exit status is 0 when all answers are as expected, 1 when some are not, and 2 when the
    file cannot be used. Nothing is sent to Instagram.

    Parameters
    ----------
    file
        Questions in TOML or JSON. examples/eval.toml is one; docs/eval.md has the form.
    simulator
        Ask the simulator's model, which needs no key and knows only how to look things up.
    account
        Which account answers the questions that name none.
    repeat
        Ask everything so many times: a model does not answer the same way every time.
    at_once
        How many questions are under way at a time.
    as_json
        Print the results as JSON.
    """
    from vestlus.evaluation.model import require_model, with_own_account
    from vestlus.evaluation.questions import EvaluationFileError, read_evaluation
    from vestlus.evaluation.running import summary
    from vestlus.logs import configure_logs
    from vestlus.settings import Mode, load_settings

    # Like the demo, it needs none of the secrets that `serve` insists on.
    settings = load_settings(mode=Mode.DEMO)
    try:
        evaluation = read_evaluation(file, [one.id for one in settings.accounts], account)
    except EvaluationFileError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's output
        raise SystemExit(_FILE_IS_WRONG) from error
    settings = with_own_account(settings, evaluation)
    if not simulator:
        require_model(settings, {one.account or "" for one in evaluation.questions})
    # What is read at the start is of interest to a service, not here.
    configure_logs("WARNING" if settings.log_level == "INFO" else settings.log_level)
    own_store = simulator or evaluation.account is not None
    with _asked(settings, simulator=simulator) as settings:
        outcomes = _ask(settings, evaluation, repeat=repeat, at_once=at_once, own_store=own_store)
    summed = summary(outcomes)
    if as_json:
        results = {"model": settings.model, **summed.as_json()}
        results["results"] = [outcome.as_json() for outcome in outcomes]
        print(json.dumps(results, ensure_ascii=False, indent=2))  # noqa: T201 - a command's output
    else:
        _show(outcomes, summed, model=settings.model)
    if summed.passed < summed.questions:
        raise SystemExit(_SOME_FAILED)


@contextmanager
def _asked(settings: Settings, *, simulator: bool) -> Iterator[Settings]:
    """The settings with the model that is asked; the simulator's runs as long as the block."""
    from vestlus.cli.simulator_process import simulator_process
    from vestlus.evaluation.model import pointed_at

    if not simulator:
        yield settings
        return
    with TemporaryDirectory(prefix="vestlus-eval-") as folder:
        arguments = [
            *("--port", "0", "--data", str(Path(folder) / "simulator.sqlite")),
            *("--webhook-url", _NOWHERE, "--account-id", "0"),
        ]
        secrets = {
            "VESTLUS_SIMULATOR_APP_SECRET": settings.secrets[0],
            "VESTLUS_SIMULATOR_ACCESS_TOKEN": settings.secrets[0],
        }
        with simulator_process(arguments, secrets) as address:
            yield pointed_at(settings, address)


def _ask(
    settings: Settings, evaluation: Evaluation, *, repeat: int, at_once: int, own_store: bool
) -> tuple[Outcome, ...]:
    import asyncio
    import time

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from vestlus.clock import system_clock
    from vestlus.evaluation.opening import open_for_evaluation
    from vestlus.evaluation.running import Evaluator

    console = Console(stderr=True)
    columns = (
        TextColumn("Asking"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} not as expected"),
    )

    async def ask(progress: Progress) -> tuple[Outcome, ...]:
        bar = progress.add_task("", total=len(evaluation.questions) * repeat, failed=0)
        failed = 0

        def done(run: Run) -> None:
            nonlocal failed
            failed += not run.passed
            progress.update(bar, advance=1, failed=failed)

        async with open_for_evaluation(
            settings, clock=system_clock, own_store=own_store
        ) as assistant:
            evaluator = Evaluator(assistant, clock=system_clock, monotonic=time.monotonic)
            return await evaluator.ask_all(
                evaluation.questions, repeat=repeat, at_once=at_once, done=done
            )

    with Progress(*columns, console=console, transient=True) as progress:
        return asyncio.run(ask(progress))


def _show(outcomes: Sequence[Outcome], summed: Summary, *, model: str) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(_table(outcomes))
    for outcome in outcomes:
        for run in (run for run in outcome.runs if not run.passed):
            # As text: an answer may have brackets that rich would take for its markup.
            answer = run.reply.text if run.reply else "(no answer)"
            console.print(Text(f"\n{outcome.asked.title}", style="bold"))
            console.print(Text(answer or "(no text)"))
            break
    console.print(
        f"\n{summed.passed} of {summed.questions} questions as expected; "
        f"{summed.pass_rate:.0%} of all answers; model {model}; "
        f"answers took p50 {summed.p50:.2f} s, p95 {summed.p95:.2f} s",
        highlight=False,
        markup=False,
    )


def _table(outcomes: Sequence[Outcome]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table("", "question", "result", "seconds", "what is wrong", box=box.SIMPLE)
    for number, outcome in enumerate(outcomes, start=1):
        good = sum(run.passed for run in outcome.runs)
        result = Text("as expected", style="green")
        if not outcome.passed:
            several = f" {good}/{len(outcome.runs)}" if len(outcome.runs) > 1 else ""
            result = Text(f"FAILED{several}", style="red")
        title = outcome.asked.title
        problems = dict.fromkeys(one for run in outcome.runs for one in run.problems)
        table.add_row(
            str(number),
            Text(title if len(title) <= _SHORT else f"{title[: _SHORT - 1]}…"),
            result,
            f"{max(one for run in outcome.runs for one in run.seconds):.2f}",
            Text("\n".join(problems)),
        )
    return table
