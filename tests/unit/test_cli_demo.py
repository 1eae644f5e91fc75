"""The demo's simulator ends with the demo, however that one ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from vestlus.cli.demo import _simulator
from vestlus.cli.demo_settings import with_accounts
from vestlus.cli.ports import EVERY_ADDRESS, port_is_free
from vestlus.settings import Mode, Settings, load_settings
from vestlus.settings_account import Account

SECONDS = 20
LOOPBACK = "127.0.0.1"

#: Starts the demo's simulator, says where it is, and waits as the demo does.
STARTER = """
import sys
from pathlib import Path
from pydantic import SecretStr
from vestlus.cli.demo import _simulator
from vestlus.cli.demo_settings import with_accounts
from vestlus.settings import Mode, load_settings
settings = load_settings({"VESTLUS_DATA_DIR": sys.argv[1]}, mode=Mode.DEMO)
token = SecretStr("token")
settings = with_accounts(settings, Path("none.md"), token)
with _simulator(settings, "label", token) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


def simulator(folder: Path, *more: str) -> subprocess.Popen[str]:
    """A simulator on a free port, which has said where it listens."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "vestlus.simulator", "--port", "0"),
            *("--data", str(folder / "simulator.sqlite"), "--account-id", "1"),
            *("--webhook-url", "http://127.0.0.1:1/webhook"),
            *more,
        ],
        env=os.environ
        | {"VESTLUS_SIMULATOR_APP_SECRET": "a", "VESTLUS_SIMULATOR_ACCESS_TOKEN": "b"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert json.loads(process.stdout.readline())["url"].startswith("http://127.0.0.1:")
    return process


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    loaded = load_settings({"VESTLUS_DATA_DIR": str(tmp_path)}, mode=Mode.DEMO)
    return with_accounts(loaded, tmp_path / "persona.md", SecretStr("token"))


def ended(process: subprocess.Popen[str]) -> int:
    """The exit code; ends the process if it does not end by itself."""
    try:
        return process.wait(SECONDS)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


def test_the_simulator_ends_in_good_order_when_its_stdin_closes(tmp_path: Path) -> None:
    process = simulator(tmp_path, "--until-stdin-closes")
    assert process.stdin
    process.stdin.write("words are not the end\n")
    process.stdin.close()
    assert ended(process) == 0


def test_the_simulator_ends_on_sigterm_while_its_stdin_is_open(tmp_path: Path) -> None:
    process = simulator(tmp_path, "--until-stdin-closes")
    process.send_signal(signal.SIGTERM)
    assert ended(process) == 0


def test_a_simulator_that_listens_everywhere_says_where_this_machine_reaches_it(
    tmp_path: Path,
) -> None:
    # ``simulator`` asserts what it says.
    process = simulator(tmp_path, "--host", EVERY_ADDRESS)
    process.terminate()
    assert ended(process) == 0


def test_without_the_flag_the_simulator_does_not_care_about_its_stdin(tmp_path: Path) -> None:
    process = simulator(tmp_path)
    assert process.stdin
    process.stdin.close()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.terminate()
    assert ended(process) == 0


def test_the_simulator_ends_when_the_demo_is_killed(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout
    assert demo.stderr
    assert demo.stdout.readline().startswith("http://127.0.0.1:")
    demo.kill()
    # The simulator has the demo's standard error too: it is at its end when both are gone.
    assert demo.stderr.read() == ""
    assert ended(demo) == -signal.SIGKILL
    demo.stderr.close()


def test_the_simulator_ends_with_the_demo(settings: Settings) -> None:
    with _simulator(settings, "label", SecretStr("token")) as address:
        port = int(address.rpartition(":")[2])
        assert not port_is_free(LOOPBACK, port)
    assert port_is_free(LOOPBACK, port)


def test_configured_accounts_are_all_reached_through_the_simulator(tmp_path: Path) -> None:
    accounts = (
        Account(id="1", access_token=SecretStr("a"), persona=tmp_path / "own.md"),
        Account(id="2", access_token=SecretStr("b"), timezone="Europe/Riga"),
    )
    token = SecretStr("the simulator's")
    own = Settings(accounts=accounts)
    first, second = with_accounts(own, tmp_path / "demo.md", token).accounts
    assert (first.id, first.persona) == ("1", tmp_path / "own.md")
    assert (second.id, second.persona) == ("2", tmp_path / "demo.md")
    assert second.timezone == "Europe/Riga"
    assert first.access_token == second.access_token == token
