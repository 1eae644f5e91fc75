"""``make check`` finds a secret that somebody left in the repository, and tells it to nobody."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from string import ascii_letters, digits

import pytest

from tests.scripts_loaded import ROOT

SCRIPT = ROOT / "scripts" / "find_secrets.py"
BASELINE = ROOT / ".secrets.baseline"


def random_text(length: int) -> str:
    """Return what looks like a secret, made here, so that none stands in this file."""
    return "".join(Random(7).choices(ascii_letters + digits, k=length))  # noqa: S311 - no secret


OPENAI = "sk-" + random_text(20) + "T3Blbk" + "FJ" + random_text(20)
META = "IGA" + "A" + random_text(90)
KEY = "-----BEGIN " + "PRIVATE KEY-----"
ANY = random_text(40)


def searched(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the program in a folder; its exit status and all that it said."""
    command = [sys.executable, str(SCRIPT), *arguments]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not run.stderr
    return run.returncode, run.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a repository with some of everything, and no secret in it."""
    for name in ("vestlus/a.py", "tests/test_a.py", "docs/a.md", "deploy/a.yaml"):
        file = tmp_path / name
        file.parent.mkdir()
        file.write_text("name: value\n")
    return tmp_path


def test_a_repository_without_secrets_is_clean(folder: Path) -> None:
    assert searched(folder) == (0, "")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("vestlus/a.py", f'PASSWORD = "{ANY}"'),
        ("deploy/a.yaml", f"bus: amqp://vestlus:{ANY[:12]}@broker"),
        ("vestlus/a.py", f'KEY = "{OPENAI}"'),
        ("tests/test_a.py", f'KEY = "{OPENAI}"'),
        ("docs/a.md", f"export VESTLUS_ACCESS_TOKEN={META}"),
        ("tests/test_a.py", KEY),
        ("deploy/a.yaml", KEY),
    ],
)
def test_a_planted_secret_is_found_by_its_place_and_its_value_is_not_told(
    folder: Path, name: str, line: str
) -> None:
    (folder / name).write_text(f"first line\n{line}\n")

    status, said = searched(folder)

    assert status == 1
    assert f"{name}:2: " in said
    for secret in (ANY[:12], OPENAI, META):
        assert secret not in said


def test_what_tests_and_documents_make_up_is_no_secret(folder: Path) -> None:
    (folder / "tests/test_a.py").write_text(f'PASSWORD = "{ANY}"\n')
    (folder / "docs/a.md").write_text("amqp://user:password@host\n")

    assert searched(folder) == (0, "")


def test_a_clean_file_that_changes_is_looked_into_again(folder: Path) -> None:
    assert searched(folder)[0] == 0
    (folder / "vestlus/a.py").write_text(f'PASSWORD = "{ANY}"\n')
    assert searched(folder)[0] == 1
    assert searched(folder)[0] == 1


def test_what_was_accepted_is_passed_over_wherever_its_line_moves_and_nothing_else(
    folder: Path,
) -> None:
    file = folder / "vestlus/a.py"
    file.write_text(f'PASSWORD = "{ANY}"\n')
    assert searched(folder, "--accept")[0] == 0

    file.write_text(f'\n\nPASSWORD = "{ANY}"\n')
    assert searched(folder) == (0, "")

    file.write_text(f'PASSWORD = "{ANY[::-1]}"\n')
    assert searched(folder)[0] == 1


def test_the_baseline_tells_of_no_machine_and_each_of_its_files_has_its_reason() -> None:
    text = BASELINE.read_text()
    results = json.loads(text)["results"]
    reasons = (ROOT / "docs" / "security.md").read_text()
    for name in results:
        assert not name.startswith("/")
        assert f"`{name}`" in reasons
    assert str(ROOT) not in text
    assert "file://" not in text


def test_locks_which_are_passed_over_hold_nothing_but_pins_and_hashes() -> None:
    line = re.compile(
        r"|\s*#.*|[A-Za-z0-9][\w.\[\],-]*==[\w.+!-]+( ; .*)? \\|\s+--hash=sha256:[0-9a-f]{64}( \\)?"
    )
    for lock in (ROOT / "requirements").iterdir():
        wrong = [one for one in lock.read_text().splitlines() if not line.fullmatch(one)]
        assert wrong == []
