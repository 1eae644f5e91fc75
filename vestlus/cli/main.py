"""The command ``vestlus`` and its subcommands."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from vestlus import __version__
from vestlus.cli.local_ray import RayEnded
from vestlus.cli.noting import noted
from vestlus.errors import SettingsError, VestlusError
from vestlus.logs import configure_logs

app = App(
    name="vestlus",
    help="Answers Instagram direct messages with OpenAI and publishes posts.",
    version=__version__,
)

for _name, _where, _help in (
    ("images", "vestlus.cli.images:images", "Keep the pictures that answers are made of."),
    (
        "conversations",
        "vestlus.cli.conversations:app",
        "Look after conversations: who waits, take over, answer, hand back.",
    ),
    ("posts", "vestlus.cli.posts:posts", "Publish posts by hand, and see what became of each."),
    (
        "events",
        "vestlus.cli.events:app",
        "Hand events in that rules make posts of, and see what became of each.",
    ),
    (
        "accounts",
        "vestlus.cli.accounts:app",
        "Connect Instagram accounts, and look after their tokens.",
    ),
    (
        "dead-letters",
        "vestlus.cli.dead_letters:app",
        "See to what was given up: list, show, replay, discard.",
    ),
    (
        "scale",
        "vestlus.cli.scale:scale",
        "Show how many actors there are of each kind, or resize the pools while they run.",
    ),
    (
        "retention",
        "vestlus.cli.retention:app",
        "See how long things are kept, and take away now what is old.",
    ),
    (
        "doctor",
        "vestlus.cli.doctor:doctor",
        "Check settings, bus, store, model, tokens, subscriptions, clocks, the public address.",
    ),
    (
        "eval",
        "vestlus.cli.eval:eval_",
        "Ask the configured assistant questions and compare its answers with what is expected.",
    ),
    (
        "repartition",
        "vestlus.cli.repartition:repartition",
        "Change the number of user partitions of a service that is stopped.",
    ),
    (
        "restored",
        "vestlus.cli.restored:restored",
        "Say that the store was restored from a backup, before the service starts on it.",
    ),
    (
        "loadtest",
        "vestlus.cli.loadtest:loadtest",
        "Write as many users at a steady rate, and report how fast and how well they are answered.",
    ),
):
    # Loaded when they are used: --help does not wait for what they import.
    app.command(_where, name=_name, help=_help)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's output


def _say_if_read(text: str) -> None:
    """For what must end in good order after its terminal or its reader is gone."""
    try:
        _say(text)
    except OSError:
        _say_no_more()


def _say_no_more() -> None:
    """What is left in Python's buffer goes nowhere too, else exiting would fail by it."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


@app.command
def demo() -> None:
    """Run the whole service on this machine, with a pretend Instagram to chat with.

    Nothing real is reached, unless OPENAI_API_KEY or OPENAI_BASE_URL names a model. Ctrl-C
    stops everything; the history stays in VESTLUS_DATA_DIR (./var).
    """
    from vestlus.cli.demo import run_demo

    run_demo(_say_if_read)


@app.command
def serve() -> None:
    """Run the service with real endpoints, from the environment and vestlus.toml.

    Connects to the Ray cluster of RAY_ADDRESS, or starts a local one. Ctrl-C and SIGTERM drain
    it and leave nothing behind.
    """
    from vestlus.cli.launch import running
    from vestlus.cli.stopping import Stop
    from vestlus.settings import Mode, load_settings

    settings = load_settings(mode=Mode.SERVE)
    stop = Stop()
    stop.listen()
    with running(settings, stop, _say_if_read) as address:
        _say_if_read(f"Vestlus is ready at {address}. Ctrl-C stops it.")
        stop.wait()


@app.command(name="try")
def try_(
    text: str,
    *,
    user: str = "simulator-user",
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Send one message to the running demo, as a user would, and print what comes back.

    Parameters
    ----------
    text
        What the user writes.
    user
        Which user writes. Everybody has a conversation of their own.
    as_json
        Print the messages of the answer as JSON.
    """
    from vestlus.cli.try_out import try_out

    messages = try_out(text, user)
    if as_json:
        _say(json.dumps(messages, ensure_ascii=False, indent=2))
        return
    _say(f"{user}: {text}")
    for message in messages:
        pictures = [f"[picture {picture['url']}]" for picture in message["attachments"]]
        _say(f"Vestlus: {' '.join([message['text'] or '', *pictures]).strip()}")


def main() -> None:
    """Entry point: runs a command; errors of ours are told in a line, without a traceback."""
    # Standard output is the commands' own: what they print may be JSON.
    configure_logs("WARNING")
    try:
        command, given, _ = app.parse_args(sys.argv[1:])
        with noted(command, given):
            command(*given.args, **given.kwargs)
    except SettingsError as error:
        _fail("The settings need mending:\n" + "\n".join(f"  {one}" for one in error.problems), 78)
    except RayEnded as error:
        _say_if_read(str(error))
        # Ray's own handlers would wait some seconds more for what is gone; nothing of ours is open.
        os._exit(1)
    except VestlusError as error:
        _fail(str(error), 1)
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        _say_no_more()
        sys.exit(128 + signal.SIGPIPE)  # as a shell tells of a program that it ended
    except KeyboardInterrupt:
        sys.exit(130)


def _nobody_reads() -> bool:
    """Whether standard output is a pipe whose reader has gone, as ``head`` goes when it has seen
    enough.
    """
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in output.poll(0))


def _fail(message: str, status: int) -> None:
    print(message, file=sys.stderr)  # noqa: T201 - a command's output
    sys.exit(status)


if __name__ == "__main__":
    main()
