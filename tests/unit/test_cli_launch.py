"""What is wrong with ports, hosts, store and bus is told in lines, before Ray is started."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vestlus.cli import launch, preflight
from vestlus.cli import ports as ports_module
from vestlus.cli.launch import running
from vestlus.cli.not_started import HostUnknownError, NotStartedError, PortTakenError
from vestlus.cli.ports import HAPROXY_PORTS, free_port, port_is_free, reachable
from vestlus.cli.stopping import Stop
from vestlus.errors import BusError, SettingsError
from vestlus.settings import Settings

STATS, METRICS, FALLBACK = HAPROXY_PORTS


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of 127.0.0.1 on which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def _handlers() -> Iterator[None]:
    """Puts the signal handlers back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def adapters(settings: Settings) -> str:
    """What is said about store and bus."""
    with pytest.raises(NotStartedError) as caught:
        asyncio.run(preflight.check_adapters(settings))
    return str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_is_taken_while_something_listens_on_it(host: str, taken: int) -> None:
    assert not port_is_free(host, taken)
    assert port_is_free(host, free_port(host))


def test_ipv6_addresses_are_probed_as_such() -> None:
    if not socket.has_dualstack_ipv6():  # then none is an address of this machine
        with pytest.raises(HostUnknownError):
            port_is_free("::1", 8000)
        return
    assert port_is_free("::1", free_port("::1"))
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert not port_is_free("::1", server.getsockname()[1])


@pytest.mark.parametrize("host", ["no.such.host.invalid", "127.0.0.1 ", "a" * 70, "192.0.2.1"])
def test_a_host_that_is_not_this_machine_is_told_from_a_taken_port(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def without_dns(name: str, *arguments: object, **keywords: object) -> object:
        if name == "no.such.host.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(name, *arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", without_dns)
    with pytest.raises(HostUnknownError):
        port_is_free(host, 8000)
    with pytest.raises(HostUnknownError):
        free_port(host)


def test_a_taken_port_is_said_before_anything_starts(taken: int, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, http_host="127.0.0.1", http_port=taken)
    service = running(settings, Stop(), lambda _: None)
    with pytest.raises(PortTakenError, match=str(taken)), service:
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - not bound
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("10.0.0.1", "10.0.0.1"),
        ("box.example", "box.example"),
    ],
)
def test_a_host_is_written_as_addresses_have_it(host: str, expected: str) -> None:
    assert reachable(host) == expected


def test_store_and_bus_are_reported_together_and_without_their_addresses() -> None:
    port = free_port("127.0.0.1")
    text = adapters(
        Settings(
            bus_url=f"amqp://user:hush@127.0.0.1:{port}/",
            database_url=f"postgresql://user:hush@127.0.0.1:{port}/none",
        )
    )
    (store, bus) = text.splitlines()
    assert "VESTLUS_DATABASE_URL does not answer" in store
    assert "VESTLUS_BUS_URL does not answer" in bus
    assert "hush" not in text


def test_files_that_cannot_be_made_are_reported_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    text = adapters(Settings(data_dir=tmp_path / "file"))
    (store, bus) = text.splitlines()
    assert "VESTLUS_DATABASE_URL" in store
    assert "VESTLUS_BUS_URL" in bus
    assert "is it running" not in text


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (BusError("inbox.0 exists with other arguments"), "VESTLUS_BUS_URL: inbox.0 exists"),
        (ValueError("made for another topology"), "VESTLUS_BUS_URL: made for another"),
        (SettingsError(("VESTLUS_BUS_URL: must be another",)), "VESTLUS_BUS_URL: must be another"),
    ],
)
def test_a_bus_that_does_not_fit_is_told_in_a_line(
    error: Exception, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object) -> None:
        raise error

    monkeypatch.setattr(preflight, "open_bus", refusing)
    assert adapters(Settings(data_dir=tmp_path)).startswith(line)


def test_haproxys_own_ports_are_left_alone_while_they_are_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ports_module, "port_is_free", lambda _host, _port: True)
    assert ports_module.haproxy_ports(8000, {}) == {}


def test_haproxys_taken_ports_are_replaced_by_free_ones_that_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ports_module, "port_is_free", lambda _host, _port: False)
    ports = ports_module.haproxy_ports(8000, {})
    assert set(ports) == {STATS, METRICS, FALLBACK}
    assert len(set(ports.values())) == len(ports)
    monkeypatch.undo()
    for port in ports.values():
        assert port_is_free("127.0.0.1", int(port))


def test_haproxys_ports_are_not_the_services_nor_the_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ports_module, "port_is_free", lambda _host, _port: True)
    assert set(ports_module.haproxy_ports(8404, {})) == {STATS}
    assert set(ports_module.haproxy_ports(8000, {STATS: "9101"})) == {METRICS}
    monkeypatch.setattr(ports_module, "port_is_free", lambda _host, _port: False)
    assert ports_module.haproxy_ports(8000, {STATS: "1", METRICS: "2", FALLBACK: "3"}) == {}


@pytest.mark.parametrize(
    ("ingress", "ray_address", "chosen"),
    [("haproxy", "", True), ("haproxy", "10.0.0.1:6379", False), ("default", "", False)],
)
def test_ports_are_chosen_for_haproxy_on_a_ray_of_our_own(
    ingress: str, ray_address: str, *, chosen: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"RAY_ADDRESS": ray_address}
    monkeypatch.setattr(os, "environ", environ)
    monkeypatch.setattr(ports_module, "port_is_free", lambda _host, _port: False)
    settings = Settings.model_validate({"ingress": ingress})
    launch._prepare_environment(settings, tmp_path)
    assert (STATS in environ, METRICS in environ) == (chosen, chosen)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_stops_and_a_second_one_ends_at_once(number: signal.Signals) -> None:
    stop = Stop()
    stop.listen()
    stop.check()
    signal.raise_signal(number)
    assert stop.heard
    stop.wait()
    with pytest.raises(KeyboardInterrupt):
        stop.check()
    signal.raise_signal(signal.SIGHUP)  # a terminal says twice that it is gone
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_takes_long_at_the_start_is_broken_off_by_the_first_signal(
    number: signal.Signals,
) -> None:
    stop = Stop()
    stop.listen()
    with pytest.raises(KeyboardInterrupt), stop.interrupting():
        signal.raise_signal(number)
    # What ends then is broken off by the second one, as ever.
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    # And what is told to stop before it begins does not begin.
    with pytest.raises(KeyboardInterrupt), stop.interrupting():
        pytest.fail("it began")


@pytest.mark.usefixtures("_handlers")
def test_the_end_itself_is_not_interrupted() -> None:
    stop = Stop()
    stop.listen()
    stop.deafen()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):
        signal.raise_signal(number)
    assert not stop.heard


@pytest.mark.usefixtures("_handlers")
def test_under_nohup_the_end_of_the_terminal_is_nothing() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stop = Stop()
    stop.listen()
    signal.raise_signal(signal.SIGHUP)
    assert not stop.heard


@pytest.mark.usefixtures("_handlers")
def test_a_hangup_while_ray_starts_is_heard_by_us_and_never_by_its_processes() -> None:
    stop = Stop()
    stop.listen()
    program = "import os, signal; os.kill(os.getpid(), signal.SIGHUP); print('alive')"
    with launch._hangups_held_back():
        os.kill(os.getpid(), signal.SIGHUP)
        done = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        )
        assert done.stdout == "alive\n"
    stop.wait()
    assert stop.heard


def test_a_head_where_nothing_listens_is_told_at_once(taken: int) -> None:
    ports_module.check_head(f"127.0.0.1:{taken}")
    ports_module.check_head("auto")
    with pytest.raises(OSError, match="refused"):
        ports_module.check_head(f"127.0.0.1:{free_port('127.0.0.1')}")


def test_what_is_said_after_the_reader_is_gone_does_not_fail() -> None:
    program = "from vestlus.cli.main import _say_if_read as say; input(); say('one'); say('two')"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stderr.read() == ""
        assert process.wait(20) == 0


@pytest.mark.parametrize("ingress", ["haproxy", "default"])
def test_every_line_that_a_replica_or_an_actor_logs_is_shown(
    ingress: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"RAY_ADDRESS": "10.0.0.1:6379"}
    monkeypatch.setattr(os, "environ", environ)
    launch._prepare_environment(Settings.model_validate({"ingress": ingress}), tmp_path)
    assert environ["RAY_DEDUP_LOGS"] == "0"
    # Ray Serve has its replicas' standard error as it is, unless it is made fast.
    assert environ.get("RAY_SERVE_LOG_TO_STDERR") == ("1" if ingress == "haproxy" else None)
