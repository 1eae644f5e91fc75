"""Commands for logs that pages tell people to type choose pods that have what they look for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploying import commands, kustomized
from tests.deploying.objects import matches
from tests.scripts_loaded import ROOT

WORKERS = "app.kubernetes.io/component in (webhook,conversation,publisher)"


@pytest.mark.parametrize("overlay", kustomized.SHIPPED)
def test_the_pages_commands_find_the_logs(overlay: str) -> None:
    assert "kubectl -n vestlus logs -l" in (ROOT / "docs/logs.md").read_text("utf-8")
    assert list(commands.check(ROOT, kustomized.kept(ROOT, overlay))) == []


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ("-l app.kubernetes.io/part-of=vestlus -c ray-worker --tail=-1", "has no such container"),
        (f"-l '{WORKERS}' -c worker --tail=-1", "has no such container"),
        (f"-l '{WORKERS}' --tail=-1", "has no such container"),
        ("-l app.kubernetes.io/component=worker -c ray-worker --tail=-1", "chooses no pod"),
        (f"-l '{WORKERS}' -c ray-worker", "ends after ten lines of each pod"),
        ("-l '(webhook)' -c ray-worker --tail=-1", "has no selector that can be read"),
    ],
)
def test_a_command_that_finds_none_is_found_out(tmp_path: Path, options: str, fault: str) -> None:
    page = tmp_path / "docs/page.md"
    page.parent.mkdir()
    page.write_text(f"Type `kubectl -n vestlus logs {options}`.\n", "utf-8")
    found = list(commands.check(tmp_path, kustomized.kept(ROOT, "small")))
    assert {one.rule for one in found} == {"logs"}
    assert all(fault in one.what for one in found)


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("a=b", True),
        ("a=c", False),
        ("a!=c,d=e", True),
        ("a in (b, c),d notin (f)", True),
        ("a notin (b)", False),
        ("f!=g", True),
    ],
)
def test_selectors_are_read_as_kubectl_reads_them(words: str, *, chosen: bool) -> None:
    assert matches(commands.selector(words), {"a": "b", "d": "e"}) is chosen
