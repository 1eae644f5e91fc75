"""A command of vestlus on a machine whose service does not run: ``deploy/vm/vestlus-run``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.scripts_loaded import ROOT

#: In the place of systemd's: what it was called with, and the file of settings as it is then.
RUNS: Final = """#!/bin/sh
printf '%s\\n' "$@" >called
for word; do case $word in
--property=EnvironmentFile=*) file=${word#--property=EnvironmentFile=}; stat -c %a "$file" >mode
    cp "$file" settings ;;
esac; done
exit 3
"""

#: The machine's folders that the program names.
PLACES: Final = ("/etc/vestlus", "/opt/vestlus", "/home/vestlus", "/run/")

SINGLE: Final = ("etc/vestlus/settings.env", "opt/vestlus")
HEAD: Final = ("home/vestlus/settings.env", "home/vestlus/service")


def machine(folder: Path, settings: str, code: str, text: str) -> list[str]:
    """Makes a machine's folders in another one; the command's words, without what it is to do."""
    programs = folder / code / ".venv/bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (folder / code / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/read_settings.py", folder / code / "scripts")
    (folder / settings).parent.mkdir(parents=True, exist_ok=True)
    (folder / settings).write_text(text)
    (folder / "run").mkdir()
    (folder / "bin").mkdir()
    (folder / "bin/systemd-run").write_text(RUNS)
    (folder / "bin/systemd-run").chmod(0o755)
    program = (ROOT / "deploy/vm/vestlus-run").read_text("utf-8")
    for place in PLACES:
        program = program.replace(place, f"{folder}{place}")
    (folder / "vestlus-run").write_text(program)
    return ["sh", str(folder / "vestlus-run")]


def run(folder: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=folder,
        env={"PATH": f"{folder}/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("settings", "code", "besides"),
    [
        (*SINGLE, {"--property=StateDirectory=vestlus", "--setenv=HOME=/var/lib/vestlus"}),
        (*HEAD, {"--setenv=RAY_ADDRESS=auto", "--setenv=RAY_AUTH_MODE=token"}),
    ],
    ids=["a single machine", "the head of a cluster"],
)
def test_a_command_gets_the_services_settings_though_the_service_never_ran(
    tmp_path: Path, settings: str, code: str, besides: set[str]
) -> None:
    words = machine(tmp_path, settings, code, "VESTLUS_HTTP_PORT=8000\n")

    done = run(tmp_path, [*words, "conversations", "find", "two words"])

    assert done.returncode == 3, done.stderr
    called = (tmp_path / "called").read_text().splitlines()
    program = f"{tmp_path}/{code}/.venv/bin/vestlus"
    assert called[-4:] == [program, "conversations", "find", "two words"]
    assert {"--uid=vestlus", "--wait", *besides} <= set(called)
    assert (tmp_path / "settings").read_text() == "VESTLUS_HTTP_PORT='8000'\n"
    assert (tmp_path / "mode").read_text() == "600\n"
    assert list((tmp_path / "run").iterdir()) == []


def test_without_its_secrets_nothing_is_run_and_nothing_is_left(tmp_path: Path) -> None:
    words = machine(tmp_path, *SINGLE, "VESTLUS_OPERATOR_TOKEN=vault:a\n")

    done = run(tmp_path, [*words, "restored"])

    assert done.returncode == 1
    assert "KEY_VAULT_URL is not set" in done.stderr
    assert not (tmp_path / "called").exists()
    assert list((tmp_path / "run").iterdir()) == []
