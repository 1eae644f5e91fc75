"""``vestlus demo``: the whole service with a pretend Instagram beside it, on this machine."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path

from pydantic import SecretStr

from vestlus.cli.demo_settings import (
    DEMO_EVENT,
    DemoError,
    addresses_file,
    has_own_model,
    persona_file,
    pointed_at,
    with_accounts,
    with_kept_key,
    with_plans,
)
from vestlus.cli.launch import Say, running
from vestlus.cli.ports import free_port, port_is_free, reachable
from vestlus.cli.simulator_process import simulator_process
from vestlus.cli.stopping import Stop
from vestlus.clock import system_clock
from vestlus.private_files import private_folder
from vestlus.settings import Mode, Settings, load_settings

SIMULATOR_PORT = 8001


def run_demo(say: Say) -> None:
    """Runs until Ctrl-C, SIGTERM, or the end of its terminal.

    Raises SettingsError, DemoError, and what :func:`vestlus.cli.launch.running` raises.
    """
    settings = load_settings(mode=Mode.DEMO)
    private_folder(settings.data_dir)
    stop = Stop()
    stop.listen()
    with ExitStack() as stack:
        stack.enter_context(_alone(settings.data_dir))
        settings = with_kept_key(settings)
        persona = _persona(settings.data_dir)
        settings = _with_ports(settings, say)
        token = SecretStr(secrets.token_urlsafe(24))
        settings = with_plans(with_accounts(settings, persona, token), system_clock())
        own_model = has_own_model(settings)
        label = _model_label(settings, persona, own_model=own_model)
        simulator = stack.enter_context(_simulator(settings, label, token))
        at = f"http://{reachable(settings.http_host)}:{settings.http_port}"
        settings = pointed_at(settings, simulator, at, own_model=own_model)
        stop.check()
        service = stack.enter_context(running(settings, stop, say))
        stack.enter_context(_announced(settings, simulator, service))
        say(
            f"\nVestlus is ready.\n\n  Chat page  {simulator}/\n  Posts      {simulator}/grid\n"
            f"  Console    {service}/console   {_way_in(settings)}\n"
            f"  Persona    {persona}\n  Model      {label}\n  Webhook    {service}/webhook\n\n"
            'From a terminal: .venv/bin/vestlus try "Tere! Mis kell te avate?"\n'
            "What goes out next: .venv/bin/vestlus posts next\n"
            f"A post by an event: {_event(settings)}\n"
            "Ctrl-C stops everything; the history stays.\n"
        )
        stop.wait()


def _way_in(settings: Settings) -> str:
    """How people sign in to the console; a token of their own is not repeated."""
    if os.environ.get("VESTLUS_OPERATOR_TOKEN") or settings.operator_token is None:
        return "(sign in with VESTLUS_OPERATOR_TOKEN)"
    return f"(sign in with any name and {settings.operator_token.get_secret_value()})"


def _event(settings: Settings) -> str:
    """The command that fires an event for which there is a rule."""
    event = settings.event_rules[0].event
    data = """ --data '{"until": "21.00"}'""" if event == DEMO_EVENT else ""
    return f".venv/bin/vestlus events fire {event}{data}"


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """One demo per data folder: two would answer each other's users."""
    with (data_dir / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = (
                f"a demo runs on {data_dir.absolute()} already: stop it, "
                "or set VESTLUS_DATA_DIR to another folder"
            )
            raise DemoError(message) from error
        yield


def _persona(data_dir: Path) -> Path:
    """The persona that the demo answers from: copied once, then the user's to change."""
    path = persona_file(data_dir)
    if not path.exists():
        text = resources.files("vestlus.cli").joinpath("demo_persona.md").read_text("utf-8")
        path.write_text(text, "utf-8")
    return path


def _with_ports(settings: Settings, say: Say) -> Settings:
    if "VESTLUS_HTTP_PORT" in os.environ or port_is_free(settings.http_host, settings.http_port):
        return settings
    port = free_port(settings.http_host)
    say(f"Port {settings.http_port} is taken; the service listens on {port} instead.")
    return settings.model_copy(update={"http_port": port})


def _model_label(settings: Settings, persona: Path, *, own_model: bool) -> str:
    if own_model:
        return f"the simulator's own model, which answers from {persona}"
    where = settings.openai_base_url or "OpenAI"
    return f"{settings.model} at {where}"


@contextmanager
def _simulator(settings: Settings, label: str, token: SecretStr) -> Iterator[str]:
    """The simulator as a process of its own; gives its address."""
    # Beside the service: in a container both are reached from outside it, or neither.
    host = settings.http_host
    port = SIMULATOR_PORT if port_is_free(host, SIMULATOR_PORT) else free_port(host)
    accounts = [word for one in settings.accounts for word in ("--account-id", one.id)]
    arguments = [
        *("--host", host, "--port", str(port)),
        *("--data", str(settings.data_dir.absolute() / "simulator.sqlite")),
        *("--webhook-url", f"http://{reachable(settings.http_host)}:{settings.http_port}/webhook"),
        *("--model-label", label),
        *accounts,
    ]
    secrets_of_it = {
        "VESTLUS_SIMULATOR_APP_SECRET": settings.secrets[0],
        "VESTLUS_SIMULATOR_ACCESS_TOKEN": token.get_secret_value(),
    }
    with simulator_process(arguments, secrets_of_it) as address:
        yield address


@contextmanager
def _announced(settings: Settings, simulator: str, service: str) -> Iterator[None]:
    file = addresses_file(settings.data_dir)
    found = {
        "simulator": simulator,
        "service": service,
        "account": settings.accounts[0].id,
        "pid": os.getpid(),
    }
    file.write_text(json.dumps(found), "utf-8")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
