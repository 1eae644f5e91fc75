"""The decisions know no vendor, and production code knows no simulator."""

import shutil
from pathlib import Path

import pytest

from tests.import_rules import (
    PURE,
    breaches_of_purity,
    breaches_of_the_simulator_rule,
    loaded_breaches,
)

ROOT = Path(__file__).parents[2]
# The first of them is the service's heart and must be there; the other may come later.
ROOMS = [PURE[0], *(place for place in PURE[1:] if (ROOT / place).exists())]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of the package, to break the rules in."""
    ignored = shutil.ignore_patterns("__pycache__", "*.png", "*.jpg", "*.js", "*.css", "*.woff2")
    shutil.copytree(ROOT / "vestlus", tmp_path / "vestlus", ignore=ignored)
    return tmp_path


@pytest.mark.parametrize("room", ROOMS)
def test_the_decisions_import_no_vendor_and_no_adapter(room: str) -> None:
    assert [str(breach) for breach in breaches_of_purity(ROOT, room)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_importing_the_decisions_loads_no_vendor_however_indirectly(room: str) -> None:
    assert [str(breach) for breach in loaded_breaches(ROOT, room)] == []


def test_production_code_never_imports_the_simulator() -> None:
    assert [str(breach) for breach in breaches_of_the_simulator_rule(ROOT)] == []


@pytest.mark.parametrize(
    "statement",
    [
        "import ray",
        "import ray.serve as s",
        "from ray import serve",
        "def f() -> None:\n    import openai",
        "from vestlus import bus",
        "from .. import store",
        "from ..simulator.state import x",
        "import importlib\nimportlib.import_module('aio_pika')",
        "import http.client",
        "from urllib import request",
        "import asyncio",
        "import aiosmtplib",
        "from vestlus.hosting import turns",
        "import a_package_that_nobody_thought_about",
    ],
)
def test_the_rule_fails_when_a_decision_imports_a_vendor(copy: Path, statement: str) -> None:
    assert breaches_of_purity(copy, PURE[0]) == []

    (copy / PURE[0] / "strays.py").write_text(f"{statement}\n")

    found = breaches_of_purity(copy, PURE[0])
    assert {breach.place for breach in found} == {f"{PURE[0]}/strays.py"}


def test_a_decision_may_use_plain_libraries_about_numbers(copy: Path) -> None:
    statements = "import phonenumbers\nfrom stdnum.ee import ik\nfrom urllib.parse import unquote\n"
    (copy / PURE[0] / "strays.py").write_text(statements)

    assert breaches_of_purity(copy, PURE[0]) == []


def test_the_rule_fails_when_a_decision_reaches_a_vendor_through_a_helper(copy: Path) -> None:
    (copy / "vestlus" / "harmless.py").write_text("import ray\n")
    (copy / PURE[0] / "strays.py").write_text("import vestlus.harmless\n")

    assert breaches_of_purity(copy, PURE[0]) == []
    assert "ray" in {breach.imported for breach in loaded_breaches(copy, PURE[0])}


def test_the_rule_fails_when_the_command_line_imports_the_simulator(copy: Path) -> None:
    (copy / "vestlus" / "cli").mkdir(exist_ok=True)
    (copy / "vestlus" / "cli" / "stray.py").write_text("from vestlus import simulator\n")

    places = {breach.place for breach in breaches_of_the_simulator_rule(copy)}
    assert places == {"vestlus/cli/stray.py"}


def test_a_missing_room_is_an_error_and_not_a_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="vestlus/conversation"):
        breaches_of_purity(tmp_path, PURE[0])
