"""The small load balancer of the tests of whole services."""

from __future__ import annotations

import gc
import socket
from contextlib import ExitStack

import pytest

from tests.e2e.switch import Switch


def write_without_end(connection: socket.socket) -> None:
    while True:
        connection.sendall(bytes(1_000_000))


def test_a_switch_that_ends_leaves_no_connection_open_to_whoever_reads_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, ExitStack() as afterwards:
        with Switch() as switch:
            switch.target = deaf.getsockname()[1]
            client = socket.create_connection(("127.0.0.1", switch.port), timeout=10)
            afterwards.enter_context(client)
            afterwards.enter_context(deaf.accept()[0])
            client.settimeout(0.5)
            with pytest.raises(TimeoutError):
                write_without_end(client)
        # What was left open would be complained of now, which fails a test.
        gc.collect()


def test_a_switch_hands_on_to_the_next_one_where_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Switch() as switch:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            nobody = gone.getsockname()
        switch.targets = (nobody, server.getsockname())
        for said in (b"tere", b"head aega"):
            with socket.create_connection(("127.0.0.1", switch.port), timeout=10) as client:
                taken, _ = server.accept()
                with taken:
                    client.sendall(said)
                    assert taken.recv(100) == said
                    taken.sendall(said[::-1])
                assert client.recv(100) == said[::-1]
                assert client.recv(100) == b""
