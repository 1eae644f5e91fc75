"""Where the tests' RabbitMQ and PostgreSQL come from, and that nothing of them is left."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.services import ServiceError, chromium, provide_postgres, provide_rabbitmq
from tests.services.kept import PORTS, KeptProcess, free_port, own_ports, wait_until
from tests.services.provision import (
    POSTGRES,
    RABBITMQ,
    Machine,
    Service,
    Source,
    ensure,
    instruction,
    sources,
)
from tests.services.server import DockerRunner

ROOT = Path(__file__).parents[2]
SERVICES = pytest.mark.parametrize("service", [RABBITMQ, POSTGRES], ids=lambda s: s.name)


def machine(
    *,
    environ: Mapping[str, str] | None = None,
    installed: bool = False,
    root: bool = False,
    apt: bool = False,
    docker: bool = False,
) -> Machine:
    return Machine(
        environ=environ or {},
        is_root=root,
        has_apt=apt,
        installed=lambda _service: installed,
        docker_answers=lambda: docker,
    )


def alive(pid: int) -> bool:
    if Path("/proc/self/stat").exists():
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):  # it ended before, or while it was read
            return False
        return status.rpartition(")")[2].split()[0] != "Z"
    return subprocess.run(["/bin/kill", "-0", str(pid)], check=False).returncode == 0


def gone(pids: list[int]) -> None:
    wait_until(
        lambda: not any(alive(pid) for pid in pids), timeout=20, what=lambda: f"{pids} live on"
    )


@SERVICES
def test_an_address_that_is_given_comes_before_everything(service: Service) -> None:
    here = machine(
        environ={service.variable: service.example},
        installed=True,
        root=True,
        apt=True,
        docker=True,
    )
    assert list(sources(service, here)) == [Source.GIVEN]


@SERVICES
def test_an_installed_server_comes_before_installing_one(service: Service) -> None:
    here = machine(installed=True, root=True, apt=True, docker=True)
    assert list(sources(service, here)) == [Source.INSTALLED]


@SERVICES
def test_root_on_debian_installs_and_has_docker_to_fall_back_on(service: Service) -> None:
    here = machine(root=True, apt=True, docker=True)
    assert list(sources(service, here)) == [Source.APT, Source.DOCKER]


@SERVICES
def test_nobody_but_root_on_debian_installs_anything(service: Service) -> None:
    for here in (machine(apt=True, docker=True), machine(root=True, docker=True)):
        assert list(sources(service, here)) == [Source.DOCKER]


@SERVICES
def test_no_way_at_all_is_a_failure_that_says_what_to_do(service: Service) -> None:
    with pytest.raises(ServiceError) as refused:
        ensure(service, pytest.fail, machine())
    assert str(refused.value) == instruction(service)
    for hint in (service.package, service.brew, service.variable, "Docker"):
        assert hint in instruction(service)


def fake_command(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def fake_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder whose commands come before the machine's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("tests.services.provision.POLICY", tmp_path / "policy-rc.d")
    return folder


def test_installing_says_so_and_keeps_the_package_from_starting_its_service(
    fake_path: Path, tmp_path: Path
) -> None:
    log, policy = tmp_path / "log", tmp_path / "policy-rc.d"
    policy_state = f'sh {policy} >/dev/null 2>&1; echo "$* policy $?"'
    fake_command(fake_path, "apt-get", f"{policy_state} >>{shlex.quote(str(log))}")
    said: list[str] = []
    answers = iter([False, True])
    here = Machine(
        environ={},
        is_root=True,
        has_apt=True,
        installed=lambda _service: next(answers),
        docker_answers=lambda: False,
    )

    assert ensure(RABBITMQ, said.append, here) is Source.INSTALLED

    assert said == ["Installing rabbitmq-server with apt-get, for the tests"]
    assert log.read_text().splitlines() == [
        "update -q policy 101",
        "install -q -y --no-install-recommends rabbitmq-server policy 101",
    ]
    assert not policy.exists()


def test_a_failed_installation_is_told_and_docker_is_used(fake_path: Path) -> None:
    fake_command(fake_path, "apt-get", "echo no network; exit 100")
    said: list[str] = []

    source = ensure(POSTGRES, said.append, machine(root=True, apt=True, docker=True))

    assert source is Source.DOCKER
    assert "no network" in said[-1]


def test_a_given_server_is_used_as_it_is_and_never_stopped() -> None:
    environ = {RABBITMQ.variable: RABBITMQ.example, POSTGRES.variable: POSTGRES.example}
    rabbitmq = provide_rabbitmq(pytest.fail, machine(environ=environ))
    postgres = provide_postgres(pytest.fail, machine(environ=environ))

    assert (rabbitmq.url, postgres.url) == (RABBITMQ.example, POSTGRES.example)
    for server in (rabbitmq, postgres):
        with pytest.raises(ServiceError, match="given by its address"):
            server.kill9()
        server.close()


def test_on_a_given_broker_each_test_has_a_prefix_of_its_own() -> None:
    rabbitmq = provide_rabbitmq(pytest.fail, machine(environ={RABBITMQ.variable: RABBITMQ.example}))
    one, other = rabbitmq.fresh_space(), rabbitmq.fresh_space()

    assert one.url == other.url == RABBITMQ.example
    assert one.queue_prefix != other.queue_prefix
    assert one.queue_prefix


def test_ports_stay_clear_of_those_for_outgoing_connections() -> None:
    assert free_port() in PORTS
    local_range = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(local_range.read_text().split()[0]) if local_range.exists() else 49152
    assert PORTS.stop <= lowest


def test_tests_that_run_side_by_side_choose_from_ports_of_their_own() -> None:
    shares = [
        own_ports({"PYTEST_XDIST_WORKER": f"gw{n}", "PYTEST_XDIST_WORKER_COUNT": "3"})
        for n in range(3)
    ]
    assert [port for share in shares for port in share] == list(PORTS)
    assert own_ports({}) == PORTS


def test_no_port_is_given_twice() -> None:
    assert len({free_port() for _ in range(50)}) == 50


# A server that leaves a detached process behind and will not hear of SIGTERM.
STUBBORN = "trap '' TERM; sleep 600 & echo $! >child; echo $$ >server; wait; wait"


def started(folder: Path, **options: object) -> tuple[KeptProcess, list[int]]:
    kept = KeptProcess(["sh", "-c", STUBBORN], folder / "log", cwd=folder, grace=0.2)
    for name, value in options.items():
        setattr(kept, name, value)
    kept.start()
    return kept, pids_in(folder)


def pids_in(folder: Path) -> list[int]:
    files = [folder / "child", folder / "server"]
    wait_until(
        lambda: all(file.exists() and file.read_text().strip() for file in files),
        timeout=10,
        what=lambda: "the server did not start",
    )
    return [int(file.read_text()) for file in files]


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_stopping_a_server_ends_what_it_started_too(tmp_path: Path, way: str) -> None:
    kept, pids = started(tmp_path)
    getattr(kept, way)()
    assert not kept.running
    gone(pids)
    getattr(kept, way)()  # once more does no harm


def test_a_server_that_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    kept = KeptProcess([str(tmp_path / "no-such-program")], tmp_path / "log")
    with pytest.raises(ServiceError, match="could not be started"):
        kept.start()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_with_its_owner_however_that_ends(
    tmp_path: Path, number: signal.Signals
) -> None:
    program = (
        "import pathlib, threading\n"
        "from tests.services.kept import KeptProcess\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        f"kept = KeptProcess(['sh', '-c', {STUBBORN!r}], folder / 'log', cwd=folder, grace=0.2,\n"
        f"    orphaned=[['touch', {str(tmp_path / 'cleaned')!r}]])\n"
        "kept.start()\n"
        "threading.Event().wait()\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.DEVNULL)
    pids = pids_in(tmp_path)

    owner.send_signal(number)
    owner.wait()

    gone(pids)
    wait_until((tmp_path / "cleaned").exists, timeout=10, what=lambda: "its commands were not run")


def test_a_container_is_made_once_kept_over_a_kill_and_removed_in_the_end(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    fake_command(
        tmp_path,
        "docker",
        f'cd {shlex.quote(str(tmp_path))}; echo "$1" >>calls\n'
        'case "$1" in\n'
        "  start) echo $$ >running; exec sleep 600 ;;\n"
        '  stop|kill|rm) [ ! -f running ] || kill "$(cat running)"; rm -f running ;;\n'
        "esac",
    )
    runner = DockerRunner("image", 5672, {"A": "b"}, tmp_path / "log", str(tmp_path / "docker"))

    def begin() -> None:
        runner.start()
        wait_until((tmp_path / "running").exists, timeout=10, what=runner.tail)

    begin()
    runner.kill9()
    begin()
    runner.stop()
    begin()
    runner.close()

    expected = ["create", "start", "kill", "start", "stop", "start", "rm"]
    assert log.read_text().split() == expected


@pytest.mark.parametrize("there", [{"chromium-headless-shell", "chromium"}, {"chromium"}])
def test_a_browser_is_installed_for_root_on_debian_and_its_headless_shell_where_there_is_one(
    there: set[str],
) -> None:
    installed: list[str] = []

    def install(package: str, _: object) -> None:
        if package not in there:
            raise ServiceError(package)
        installed.append(package)

    found = chromium.ensure(
        lambda _: None,
        machine(root=True, apt=True),
        look=lambda: next(iter(installed), None),
        install=install,
    )
    assert found == max(there, key=len)
    assert installed == [found]


def test_a_browser_that_is_there_is_used_and_without_one_it_is_said_what_to_do() -> None:
    def never(package: str, _: object) -> None:
        pytest.fail(package)

    root = machine(root=True, apt=True)
    assert chromium.ensure(pytest.fail, root, look=lambda: "chrome", install=never) == "chrome"
    with pytest.raises(ServiceError, match="apt-get install chromium"):
        chromium.ensure(pytest.fail, machine(apt=True), look=lambda: None, install=never)
