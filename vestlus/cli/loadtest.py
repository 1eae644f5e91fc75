"""``vestlus loadtest``: high volume, here or against a deployment, and what came of it."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from cyclopts import Parameter

from vestlus.cli.stopping import Stop
from vestlus.loadtest.options import (
    LoadTestError,
    ModelLatency,
    Options,
    OptionsError,
    parse_burst,
    parse_duration,
    parse_model_latency,
    parse_watched,
)
from vestlus.loadtest.verdict import STATUS, Outcome

_Value = TypeVar("_Value")


def loadtest(
    *,
    users: int = 1000,
    rate: float = 20.0,
    duration: str = "60s",
    burst: str | None = None,
    model_latency: str = "lognormal:2s,0.5",
    faults: Path | None = None,
    target: str | None = None,
    spread: Literal["zipf", "uniform"] = "zipf",
    accounts: int = 4,
    pictures: float = 0.0,
    per_post: int = 1,
    seed: int = 0,
    drain: str = "60s",
    listen: str = "127.0.0.1",
    seen_as: str | None = None,
    graph_port: int = 0,
    model_port: int = 0,
    watch: tuple[str, ...] = (),
    json_file: Annotated[Path | None, Parameter(name="--json")] = None,
    report: Path | None = None,
) -> None:
    """Write as many users at a steady rate, and report how fast and how well they are answered.

    Without --target the service is started here, on the embedded bus and store in a temporary
    folder, or on those of VESTLUS_BUS_URL and VESTLUS_DATABASE_URL. Users, a pretend Graph and a
    pretend model are processes of their own. The exit status is 0 when the run passed, 1 when
    messages were lost, doubled or late without end, 2 when it could not be run, 3 when the load
    test itself was the limit, so that the figures say nothing, 130 after Ctrl-C.
    docs/load-testing.md says how to read the figures.

    Parameters
    ----------
    users
        How many users write.
    rate
        Messages a second, over all users. They come whether answers come or not.
    duration
        How long they write: 30s, 5m.
    burst
        SIZE,EVERY: besides, so many messages at one moment, every so often: 200,30s.
    model_latency
        How long the pretend model takes: none, fixed:2s, lognormal:2s,0.5 (median, sigma).
    faults
        What goes wrong and when: a JSON or TOML file with a list `faults`.
    target
        Drive the deployment at this address; it must be pointed at this machine's simulator.
    spread
        zipf: some users write far more than others; uniform: all the same.
    accounts
        How many accounts they write to.
    pictures
        The share of messages with a picture.
    per_post
        Messages in one webhook; Meta puts several into one when it is busy.
    seed
        The same seed draws the same arrivals, users and texts.
    drain
        How long answers are waited for after the last message.
    listen
        The address of this machine on which pretend Graph and model listen.
    seen_as
        The name by which the deployment reaches this machine.
    graph_port
        Where the pretend Graph listens: with --target 8001, else any free port.
    model_port
        Where the pretend model listens: with --target 8002, else any free port.
    watch
        NAME=PID: what this process and its children cost is shown too, such as postgres=1234.
    json_file
        Write the result there as JSON.
    report
        Write an HTML report with plots into this folder.
    """
    wrong: list[str] = []
    burst_size, burst_every = _read(wrong, "--burst", parse_burst, burst, (0, 0.0))
    seconds = _read(wrong, "--duration", parse_duration, duration, 1.0)
    drain_seconds = _read(wrong, "--drain", parse_duration, drain, 0.0)
    latency = _read(wrong, "--model-latency", parse_model_latency, model_latency, ModelLatency())
    nothing: tuple[Any, ...] = ()
    nobody = ("", 0)
    watched = tuple(_read(wrong, "--watch", parse_watched, each, nobody) for each in watch)
    what_breaks = _read(wrong, "--faults", _faults, faults, nothing)
    try:
        options = Options(
            users=users,
            rate=rate,
            seconds=seconds,
            burst_size=burst_size,
            burst_every=burst_every,
            model_latency=latency,
            faults=what_breaks,
            target=target,
            spread=spread,
            accounts=accounts,
            pictures=pictures,
            per_post=per_post,
            seed=seed,
            drain=drain_seconds,
            listen=listen,
            seen_as=seen_as,
            graph_port=graph_port,
            model_port=model_port,
            watch=watched,
            json_file=json_file,
            report=report,
        )
    except OptionsError as error:
        wrong += error.problems
    if wrong:
        _refuse(OptionsError(tuple(wrong)))
    _run(options)


def _run(options: Options) -> None:
    from vestlus.cli.main import _say_if_read
    from vestlus.loadtest.report import write_report
    from vestlus.loadtest.running import run_load_test
    from vestlus.loadtest.summary import summary

    for path in (options.json_file, options.report):
        _try_to_write(path)
    stop = Stop()
    stop.listen()
    try:
        found = run_load_test(options, stop, _say_if_read)
    except LoadTestError as error:
        _refuse(error)
    _say_if_read(summary(found))
    if options.json_file is not None:
        options.json_file.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if options.report is not None:
        _say_if_read(f"Report: {write_report(found, options.report)}")
    sys.exit(STATUS[Outcome(found["verdict"]["outcome"])])


def _read(
    wrong: list[str],
    name: str,
    parse: Callable[[Any], _Value],
    given: object,
    otherwise: _Value,
) -> _Value:
    """What was given, parsed; what is wrong with it is added to the list."""
    if given is None:
        return otherwise
    try:
        return parse(given)
    except ValueError as error:
        wrong.append(f"{name}: {error}")
        return otherwise


def _faults(file: Path) -> tuple[Any, ...]:
    """The list of a file; its entries are the simulator's to judge. Raises ValueError."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} cannot be read ({type(error).__name__})") from error
    try:
        found = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        kind = "JSON" if file.suffix == ".json" else "TOML"
        raise ValueError(f"{file} is no {kind}: {error}") from error
    entries = found.get("faults") if isinstance(found, dict) else found
    if not isinstance(entries, list):
        raise ValueError(  # noqa: TRY004 - as all that is wrong with an option
            f"{file}: a list `faults` is wanted, in TOML written [[faults]]"
        )
    return tuple(entries)


def _try_to_write(path: Path | None) -> None:
    """What cannot be written is told now, not after the run."""
    if path is not None and not path.absolute().parent.is_dir():
        _refuse(LoadTestError(f"{path}: there is no folder {path.absolute().parent}"))


def _refuse(error: LoadTestError) -> None:
    print(error, file=sys.stderr)  # noqa: T201 - a command's output
    sys.exit(2)
