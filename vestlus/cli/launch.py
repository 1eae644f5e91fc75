"""Starts the service on Ray, waits until it can answer, and ends it without a trace."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from uuid import uuid4

from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.errors import BusUnavailable, StoreUnavailable, VestlusError
from vestlus.settings import Settings
from vestlus.store.open import open_store

#: How long turns and sends under way may take when the service is told to stop, seconds.
DRAIN_SECONDS = 30.0
#: Starting takes 20 s on a laptop and over a minute on a busy machine.
START_SECONDS = 180.0
#: What a local Ray keeps for objects. No message passes through Ray: the least it allows.
OBJECT_STORE_BYTES = 100 * 1024 * 1024

Say = Callable[[str], None]


class NotStartedError(VestlusError):
    """The service did not come up. The message says what is known of why."""


class PortTakenError(VestlusError):
    """Something else listens on the port."""


class Stop:
    """Set by SIGINT and SIGTERM, from when it is made. A second signal ends at once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> None:
        """Takes the signals over; again after Ray has taken them."""
        signal.signal(signal.SIGINT, self._heard)
        signal.signal(signal.SIGTERM, self._heard)

    def _heard(self, _: int, __: FrameType | None) -> None:
        if self._event.is_set():
            raise KeyboardInterrupt
        self._event.set()

    @property
    def heard(self) -> bool:
        """Whether to stop."""
        return self._event.is_set()

    def wait(self) -> None:
        """Waits for a signal."""
        # In slices: a wait without end would keep Python from running the signal handler.
        while not self._event.wait(0.5):
            pass


def port_is_free(host: str, port: int) -> bool:
    """Whether one could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str) -> int:
    """A port that nothing listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(settings: Settings, stop: Stop, say: Say) -> Iterator[str]:
    """The service, ready to answer; gives its address. Leaving drains and ends it.

    Connects to the Ray cluster of ``RAY_ADDRESS``, or starts one here that ends with it. Raises
    NotStartedError, PortTakenError.
    """
    if not port_is_free(settings.http_host, settings.http_port):
        raise PortTakenError(
            f"port {settings.http_port} is taken: end what listens there, "
            "or set VESTLUS_HTTP_PORT to another one"
        )
    asyncio.run(_check_adapters(settings))
    with _private_folder() as folder:
        _prepare_environment(settings, folder)
        with _deployed(settings, stop, say) as address:
            yield address


@contextmanager
def _deployed(settings: Settings, stop: Stop, say: Say) -> Iterator[str]:
    # Only now: Ray and Ray Serve read the environment when they are imported.
    import ray
    from ray import serve

    from actors import NAMESPACE
    from conversation_registry import start_registry
    from serve_app import APP_NAME, application

    local = not os.environ.get("RAY_ADDRESS")
    say("Ray starts …" if local else "Connecting to the Ray cluster …")
    _start_ray(local=local)
    stop.listen()
    cluster = uuid4().hex[:12]
    registry = start_registry(settings, cluster)
    try:
        say("Serve and the actors start …")
        serve.start(
            http_options={
                "host": settings.http_host,
                "port": settings.http_port,
                "keep_alive_timeout_s": 90,
            },
            logging_config={"log_level": "WARNING", "enable_access_log": False},
        )
        serve.run(
            application(settings, cluster),
            name=APP_NAME,
            route_prefix="/",
            logging_config={"log_level": "WARNING", "enable_access_log": False},
        )
        address = f"http://{_reachable(settings.http_host)}:{settings.http_port}"
        _wait_until_ready(address, stop)
        yield address
    finally:
        say("Stopping: no more is taken in, what is under way is finished …")
        end_serve: Callable[[], None] = serve.shutdown
        end_serve()
        try:
            ray.get(registry.drain.remote(DRAIN_SECONDS), timeout=2 * DRAIN_SECONDS + 40)
        except ray.exceptions.RayError as error:
            say(f"Not drained in good order ({type(error).__name__}); nothing is lost by that.")
        ray.kill(registry, no_restart=True)
        ray.shutdown()
        say(f"Stopped. (Ray namespace {NAMESPACE})" if not local else "Stopped.")


async def _check_adapters(settings: Settings) -> None:
    """Opens the store and the bus once, so that what is wrong with them is told in a line and
    before Ray starts. Brings the schema up to date. Raises NotStartedError.
    """
    topology = Topology(inbox=settings.partitions)
    try:
        async with open_store(
            settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
        ):
            pass
    except StoreUnavailable as error:
        raise NotStartedError(
            "the database of VESTLUS_DATABASE_URL does not answer: is it running, and are "
            "address, user and password right?"
        ) from error
    except ValueError as error:
        raise NotStartedError(f"VESTLUS_DATABASE_URL: {error}") from error
    try:
        async with open_bus(settings.bus, topology) as bus:
            await bus.check()
    except BusUnavailable as error:
        raise NotStartedError(
            "the broker of VESTLUS_BUS_URL does not answer: is it running, and are address, "
            "user, password and virtual host right?"
        ) from error


def _prepare_environment(settings: Settings, haproxy_folder: Path) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Ray's own warning about packing the working folder, which is not done here.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    if settings.ingress == "haproxy":
        os.environ["RAY_SERVE_ENABLE_HA_PROXY"] = "1"
        os.environ["RAY_SERVE_THROUGHPUT_OPTIMIZED"] = "1"
        paths = {
            "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": haproxy_folder / "haproxy.cfg",
            "RAY_SERVE_HAPROXY_SOCKET_PATH": haproxy_folder / "admin.sock",
            "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": haproxy_folder,
            "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": haproxy_folder / "server-state",
        }
        for name, path in paths.items():
            os.environ.setdefault(name, str(path))
        os.environ.setdefault("RAY_SERVE_HAPROXY_NBTHREAD", str(min(4, os.cpu_count() or 1)))


@contextmanager
def _private_folder() -> Iterator[Path]:
    """Where HAProxy keeps its admin socket, which Ray opens to every user of the machine: in a
    folder that only we can enter. In ``/tmp`` because a socket's path holds 97 characters, of
    which Ray takes 57 for its cluster's id.
    """
    with tempfile.TemporaryDirectory(
        prefix="vestlus-",
        dir="/tmp",
        ignore_cleanup_errors=True,
    ) as folder:
        yield Path(folder)


def _start_ray(*, local: bool) -> None:
    import ray

    if local:
        ray.init(
            address="local",
            namespace="vestlus",
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            log_to_driver=True,
            logging_level=logging.WARNING,
            configure_logging=True,
        )
    else:
        ray.init(namespace="vestlus", log_to_driver=True, logging_level=logging.WARNING)


def _reachable(host: str) -> str:
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound


def _wait_until_ready(address: str, stop: Stop) -> None:
    deadline = time.monotonic() + START_SECONDS
    problem = "no answer"
    while time.monotonic() < deadline:
        if stop.heard:
            raise KeyboardInterrupt
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:  # noqa: S310
                if answer.status == 200:  # noqa: PLR2004 - HTTP's "OK"
                    return
        except urllib.error.HTTPError as error:
            problem = error.read(500).decode(errors="replace")
        except OSError as error:
            problem = type(error).__name__
        threading.Event().wait(0.25)
    raise NotStartedError(f"{address}/readyz was not ready within {START_SECONDS:.0f} s: {problem}")
