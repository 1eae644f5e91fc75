"""The head of a Ray cluster of machines is started as ``cluster.yaml`` says, and so again later."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from ray.autoscaler._private.command_runner import _with_environment_variables
from ray.autoscaler._private.util import with_envs

from tests.scripts_loaded import ROOT

BASH: Final = shutil.which("bash") or "bash"

#: Tells what it was called with, by the name of its file.
TELLS: Final = """#!/bin/sh
echo "$(basename "$0") $*" >>"$HOME/called"
env >"$HOME/environment"
"""

#: As `ray up` says them with its second autoscaler (get_or_create_head_node in commands.py).
LAUNCHERS: Final = {
    "RAY_enable_autoscaler_v2": "1",
    "RAY_CLOUD_INSTANCE_ID": "ray-vestlus-head-d05b-12ab0",
    "RAY_NODE_TYPE_NAME": "head",
}
RESOURCES: Final[dict[str, object]] = {"RAY_OVERRIDE_RESOURCES": {"CPU": 0}}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's folder with programs in the place of Ray's and of root's."""
    for place in ("bin/sudo", "bin/ray", "service/.venv/bin/ray"):
        program = tmp_path / place
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(TELLS)
        program.chmod(0o755)
    return tmp_path


def bash(home: Path, *words: str) -> None:
    """Runs it with nothing of our own environment, as systemd does and SSH nearly does."""
    bare = {"HOME": str(home), "PATH": f"{home}/bin:/usr/bin:/bin"}
    subprocess.run([BASH, *words], env=bare, cwd=home, check=True, capture_output=True, timeout=60)


def called(home: Path) -> list[str]:
    return (home / "called").read_text().splitlines()


@pytest.fixture
def started(home: Path) -> Path:
    """After `ray up` has run the commands with the environment that it gives them."""
    cluster: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text("utf-8"))
    for command in with_envs(cluster["head_start_ray_commands"], LAUNCHERS):
        bash(home, "-c", _with_environment_variables(command, RESOURCES))
    return home


def test_ray_is_stopped_and_started_by_systemd_and_the_service_after_it(started: Path) -> None:
    assert called(started) == [
        "sudo systemctl stop vestlus vestlus-ray",
        "ray stop",
        "sudo systemctl restart vestlus-ray",
        "ray status",
        "sudo systemctl restart --no-block vestlus",
    ]


def test_what_is_kept_starts_the_head_at_boot_with_what_the_launcher_said(started: Path) -> None:
    bash(started, str(started / "ray-head"))

    program, *words = called(started)[-1].split()
    assert [program, *words[:3]] == ["ray", "start", "--head", "--block"]
    assert f"--autoscaling-config={started}/ray_bootstrap_config.yaml" in words
    assert "--dashboard-host=127.0.0.1" in words
    lines = (started / "environment").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines)
    assert {name: found[name] for name in LAUNCHERS} == LAUNCHERS
    assert json.loads(found["RAY_OVERRIDE_RESOURCES"]) == {"CPU": 0}
    assert found["RAY_AUTH_MODE"] == "token"
    assert found["RAY_gcs_storage_path"] == f"{started}/gcs"


def test_nobody_else_enters_the_folder_of_haproxys_socket_whose_path_is_not_too_long(
    started: Path,
) -> None:
    bash(started, str(started / "ray-head"))

    lines = (started / "environment").read_text().splitlines()
    socket = Path(dict(line.split("=", 1) for line in lines)["RAY_SERVE_HAPROXY_SOCKET_PATH"])
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    # Ray puts a folder in between that is named after the node, in 56 characters, and HAProxy
    # takes no more than 97.
    there = Path("/home/vestlus") / socket.relative_to(started)
    assert len(str(there)) + 57 <= 97
