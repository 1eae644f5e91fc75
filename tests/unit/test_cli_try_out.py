"""``vestlus try`` prints whole answers, and what is wrong in a line."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from vestlus.cli import try_out as module
from vestlus.cli.demo_settings import DEMO_ACCOUNT, DemoError, addresses_file
from vestlus.cli.try_out import try_out

Answer = Callable[[str], tuple[int, bytes]]


@contextmanager
def simulator(answer: Answer) -> Iterator[str]:
    """What answers instead of a simulator: status and body for each request's path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the base class calls it so

        def log_message(self, *_: Any) -> None:  # noqa: ANN401 - as the base class has it
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def announce(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes down that a demo runs with its simulator at this address."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("VESTLUS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("VESTLUS_DATA_DIR", str(tmp_path))

    def write(address: str) -> None:
        found = {
            "simulator": address,
            "service": "http://127.0.0.1:1",
            "account": DEMO_ACCOUNT,
            "pid": os.getpid(),
        }
        addresses_file(tmp_path).write_text(json.dumps(found), "utf-8")

    return write


def test_all_parts_of_an_answer_are_returned(announce: Callable[[str], None]) -> None:
    waits: list[str] = []
    parts = {"after=4": [{"seq": 6, "text": "Tere!"}], "after=6": [{"seq": 7, "text": "Avame 8."}]}

    def answer(path: str) -> tuple[int, bytes]:
        if path == "/control/messages":
            return 200, b'{"seq": 4}'
        waits.append(path)
        found = next((new for mark, new in parts.items() if mark in path), [])
        return 200, json.dumps({"messages": found}).encode()

    with simulator(answer) as address:
        announce(address)
        assert [part["text"] for part in try_out("Tere", "mari")] == ["Tere!", "Avame 8."]
    assert [path.split("timeout=")[1] for path in waits] == ["20.0", "1.5", "1.5"]


def test_no_answer_in_time_is_said_in_a_line(
    announce: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    with simulator(lambda _: (200, b'{"seq": 1, "messages": []}')) as address:
        announce(address)
        with pytest.raises(DemoError, match="no answer within"):
            try_out("Tere", "mari")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, b'{"error": "text is too long"}', "HTTP 400: .*text is too long"),
        (500, b"\xff", "HTTP 500"),
        (200, b"<html>", "does the demo still run"),
    ],
)
def test_a_simulator_that_refuses_or_talks_nonsense_is_told_in_a_line(
    status: int, body: bytes, said: str, announce: Callable[[str], None]
) -> None:
    with simulator(lambda _: (status, body)) as address:
        announce(address)
        with pytest.raises(DemoError, match=said):
            try_out("Tere", "mari")


def test_a_simulator_that_is_gone_is_told_in_a_line(announce: Callable[[str], None]) -> None:
    with socket.socket() as unheard:  # bound and not listening: connections are refused
        unheard.bind(("127.0.0.1", 0))
        announce(f"http://127.0.0.1:{unheard.getsockname()[1]}")
        with pytest.raises(DemoError, match="does the demo still run"):
            try_out("Tere", "mari")


def test_no_demo_is_told_in_a_line(tmp_path: Path, announce: Callable[[str], None]) -> None:
    with pytest.raises(DemoError, match="no demo runs"):
        try_out("Tere", "mari")
