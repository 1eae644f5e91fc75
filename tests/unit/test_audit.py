"""The dependency audit says what it found, and never that all is well when it asked nobody."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.scripts_loaded import ROOT, script

audit = script("audit")

WELL = {"name": "good", "version": "1.0", "vulns": []}
ILL = {
    "name": "bad",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.1"]}],
}
SKIPPED = {"name": "hidden", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "insist", "status", "said"),
    [
        ([WELL], "", 0, "1 packages, none with a known vulnerability"),
        ([WELL, ILL], "", 1, "bad 2.0: PYSEC-1, mended in 2.1"),
        ([WELL, ILL, SKIPPED], "", 1, "bad 2.0"),
        ([SKIPPED, SKIPPED], "", 0, "NOTHING WAS AUDITED"),
        ([SKIPPED, SKIPPED], "insist", 1, "NOTHING WAS AUDITED"),
        ([], "", 0, "could not be reached"),
        ([], "insist", 1, "could not be reached"),
        ([WELL, SKIPPED], "", 0, "nothing is known of hidden"),
        ([WELL, SKIPPED], "insist", 1, "nothing is known of hidden"),
    ],
)
def test_only_findings_fail_unless_it_is_insisted(
    packages: list[dict[str, Any]], insist: str, status: int, said: str
) -> None:
    ended, lines = audit.told(audit.judged({"dependencies": packages}), insist=bool(insist))

    assert ended == status
    assert said in "\n".join(lines)


@pytest.mark.parametrize("known_as", ["PYSEC-1", "CVE-1"])
def test_what_was_accepted_with_a_reason_is_no_finding(
    monkeypatch: pytest.MonkeyPatch, known_as: str
) -> None:
    monkeypatch.setattr(audit, "ACCEPTED", {known_as: "is not called"})
    assert audit.judged({"dependencies": [ILL]}).vulnerable == ()


def test_the_database_is_asked_for_one_package_first() -> None:
    lock = (ROOT / "requirements" / "dev.txt").read_text()

    first = audit.first_of(lock)

    assert first.count("==") == 1
    assert first.count("--hash=sha256:") >= 1
    assert first.splitlines()[-1].strip().startswith("--hash=sha256:")
    assert not first.rstrip().endswith("\\")


class Pretend:
    """pip-audit, as far as it is used; notes what it is asked."""

    def __init__(self, output: str, *, slow: bool = False) -> None:
        self.asked: list[list[str]] = []
        self._output = output
        self._slow = slow

    def run(self, command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        del options
        self.asked.append(command)
        if self._slow:
            raise subprocess.TimeoutExpired(command, 1)
        return subprocess.CompletedProcess(command, 1, self._output, "")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a lock of one package."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / "requirements").mkdir()
    lock = tmp_path / "requirements" / "dev.txt"
    lock.write_text("good==1.0 \\\n    --hash=sha256:00\n    # via vestlus\nother==2.0\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_lock_that_was_found_clean_is_not_asked_for_again_on_the_same_day_until_it_changes(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend = Pretend(json.dumps({"dependencies": [WELL]}))
    monkeypatch.setattr(subprocess, "run", pretend.run)

    for _ in range(3):
        assert audit.main([]) == 0
    assert len(pretend.asked) == 2
    assert audit.main(["--insist"]) == 0
    assert len(pretend.asked) == 4

    (place / "requirements" / "dev.txt").write_text("good==1.1 \\\n    --hash=sha256:01\n")
    assert audit.main([]) == 0
    assert len(pretend.asked) == 6


@pytest.mark.parametrize(
    "pretend",
    [Pretend("", slow=True), Pretend("no JSON"), Pretend(json.dumps({"dependencies": [SKIPPED]}))],
)
def test_a_database_that_is_away_is_told_and_is_asked_again_the_next_time(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pretend: Pretend,
) -> None:
    monkeypatch.setattr(subprocess, "run", pretend.run)

    assert [audit.main([]), audit.main([]), audit.main(["--insist"])] == [0, 0, 1]

    assert len(pretend.asked) == 3
    assert capsys.readouterr().out.count("NOTHING WAS AUDITED") == 3
