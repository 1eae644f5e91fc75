"""`vestlus eval` as a process, with the simulator's model and with a scripted one."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.openai_server import FakeOpenAI, fails, says

ROOT = Path(__file__).parents[2]
PROGRAM = """
from cyclopts import App
from vestlus.cli.eval import eval_
from vestlus.errors import SettingsError
import sys
app = App()
app.command(eval_, name="eval")
try:
    app()
except SettingsError as error:
    sys.exit(f"settings: {error}")
"""

#: Runs the program for each line it gets, in a fork, which has its imports behind it: they take
#: longer than all the rest.
FORKING = """
import json, os, sys
import vestlus.evaluation.model, vestlus.evaluation.opening, vestlus.evaluation.running
import rich.console, rich.progress, rich.table

for line in sys.stdin:
    told = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(told["folder"])
        os.environ.clear()
        os.environ.update(told["environment"])
        for stream, name in ((sys.stdout, "out"), (sys.stderr, "err")):
            os.dup2(os.open(told[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream.fileno())
        sys.argv = ["eval", *told["words"]]
        exec(told["program"])
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

ONE = """
[account]
persona = "persona.md"
moderation = "off"

[[questions]]
ask = "Mis kell te avate?"
must = "9–19"
"""


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        results: dict[str, Any] = json.loads(self.out)
        return results


def environ(given: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"} | given


async def run(folder: Path, *words: str, **environment: str) -> Ended:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, "eval", *words),
        cwd=folder,
        env=environ(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


class Forks:
    """Evaluations in processes that have imported everything, with no pictures."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder

    async def run(self, folder: Path, *words: str, **environment: str) -> Ended:
        out, err = self._folder / "out", self._folder / "err"
        told = {
            "folder": str(folder),
            "words": ["eval", *words],
            "environment": environ({"VESTLUS_IMAGE_FOLDER": str(self._folder), **environment}),
            "program": PROGRAM,
            "out": str(out),
            "err": str(err),
        }
        status = await asyncio.to_thread(self._ended, json.dumps(told))
        return Ended(status, *await asyncio.to_thread(lambda: (out.read_text(), err.read_text())))

    def _ended(self, told: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(told, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with subprocess.Popen(
        [sys.executable, "-c", FORKING],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        folder = tmp_path_factory.mktemp("eval")
        (folder / "catalogue.toml").touch()
        yield Forks(process, folder)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "persona.md").write_text("- Avatud 9–19")
    path = tmp_path / "eval.toml"
    path.write_text(ONE)
    return path


async def test_the_example_passes_from_a_fresh_clone(tmp_path: Path) -> None:
    example = str(ROOT / "examples" / "eval.toml")
    ended = await run(tmp_path, example, "--simulator", "--json")
    failed = [one for one in ended.json["results"] if not one["passed"]]
    assert (ended.status, failed) == (0, [])
    assert ended.json["model"] == "simulator"
    assert ended.json["pass_rate"] == 1
    # Nothing is left in the folder where it was started.
    assert await asyncio.to_thread(lambda: [*tmp_path.iterdir()]) == []


async def test_what_is_wrong_is_in_the_table_and_in_the_exit_status(
    tmp_path: Path, forks: Forks
) -> None:
    (tmp_path / "persona.md").write_text("- Oleme avatud kell 9–19.")
    (tmp_path / "eval.toml").write_text(ONE + 'must_not = "avatud"\nhandover = true\n')
    ended = await forks.run(tmp_path, "eval.toml", "--simulator", "--repeat", "2")
    assert ended.status == 1
    assert "FAILED 0/2" in ended.out
    assert 'says "avatud"' in ended.out
    assert "does not hand over to a person" in ended.out
    assert "Oleme avatud kell 9–19." in ended.out
    assert "0 of 1 questions as expected; 0% of all answers; model simulator" in ended.out


async def test_a_wrong_file_is_said_with_all_its_problems(tmp_path: Path) -> None:
    (tmp_path / "eval.toml").write_text("[[questions]]\nask = ''\nspeed = 1\n")
    ended = await run(tmp_path, "eval.toml", "--simulator")
    assert ended.status == 2
    assert ended.out == ""
    assert sorted(ended.err.splitlines()) == [
        "eval.toml: questions.1.ask: must not be blank",
        "eval.toml: questions.1.speed: is not known here",
    ]


async def test_without_a_model_it_says_what_to_set(file: Path) -> None:
    ended = await run(file.parent, "eval.toml")
    assert ended.status == 1
    assert "OPENAI_API_KEY: is missing" in ended.err
    assert "--simulator" in ended.err


async def test_the_configured_model_is_asked(file: Path, forks: Forks) -> None:
    async with FakeOpenAI(says("Oleme avatud 9–19")) as server:
        server.script += [says("Ma ei tea")]
        ended = await forks.run(
            file.parent,
            *("eval.toml", "--json", "--repeat", "3", "--at-once", "1"),
            OPENAI_BASE_URL=server.url,
            OPENAI_API_KEY="sk-test",
            VESTLUS_MODEL="our-model",
        )
    assert ended.status == 1
    assert ended.json["model"] == "our-model"
    (question,) = ended.json["results"]
    assert [run["passed"] for run in question["runs"]] == [False, True, True]
    assert question["runs"][0]["problems"] == ['lacks "9–19"']
    assert {one.body["model"] for one in server.received} == {"our-model"}


async def test_an_account_of_the_settings_is_asked_with_its_own_files(
    tmp_path: Path, forks: Forks
) -> None:
    knowledge = tmp_path / "documents"
    knowledge.mkdir()
    (knowledge / "ajad.md").write_text("Oleme avatud kell 9–19.")
    (tmp_path / "vestlus.toml").write_text(
        "[[accounts]]\nid = '1'\naccess_token = 't'\nknowledge = 'documents'\n"
        "openai_api_key = 'sk-own'\n"
    )
    (tmp_path / "eval.toml").write_text('[[questions]]\nask = "Mis kell?"\nmust = "9–19"\n')
    async with FakeOpenAI(says("9–19")) as server:
        ended = await forks.run(tmp_path, "eval.toml", OPENAI_BASE_URL=server.url)
    assert ended.status == 0, ended.err
    assert "as expected" in ended.out
    (request,) = server.received
    assert request.headers["Authorization"] == "Bearer sk-own"
    assert "Oleme avatud kell 9–19." in json.dumps(request.body, ensure_ascii=False)


async def test_a_model_that_refuses_is_a_failed_question_and_not_the_end(
    file: Path, forks: Forks
) -> None:
    await asyncio.to_thread(file.write_text, ONE + '[[questions]]\nask = "x"\nmust = "9–19"\n')
    async with FakeOpenAI(says("9–19")) as server:
        server.script += [fails(401)]
        ended = await forks.run(
            file.parent,
            *("eval.toml", "--json", "--at-once", "1"),
            OPENAI_BASE_URL=server.url,
            OPENAI_API_KEY="sk-test",
        )
    assert ended.status == 1
    runs = [one["runs"][0] for one in ended.json["results"]]
    assert runs[0]["problems"] == ["has no answer: model_not_configured"]
    assert runs[1]["passed"]
