"""Starts the service on Ray, waits until it can answer, and ends it without a trace."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from image_bank.bank import ImageBank
from image_bank.errors import CatalogueRefused, PictureRefused, StorageUnavailable
from image_bank.open import load_at_start, open_storage
from vestlus.assistant.picture_vectors import keep_picture_vectors
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.cli.local_ray import LocalRay
from vestlus.cli.stopping import Stop
from vestlus.clock import system_clock
from vestlus.errors import (
    BusError,
    BusUnavailable,
    SettingsError,
    StoreError,
    StoreUnavailable,
    VestlusError,
)
from vestlus.settings import Settings
from vestlus.store.open import open_store

#: How long turns and sends under way may take when the service is told to stop, seconds.
DRAIN_SECONDS = 30.0
#: Starting takes 20 s on a laptop and over a minute on a busy machine.
START_SECONDS = 180.0
#: What a local Ray keeps for objects. No message passes through Ray: the least it allows.
OBJECT_STORE_BYTES = 100 * 1024 * 1024

#: What is listened on beside the service's port where HAProxy is: by itself on every address of
#: the machine, and by the proxy that it falls back to. Ray's variables for them and its defaults.
HAPROXY_PORTS = {
    "RAY_SERVE_HAPROXY_STATS_PORT": 8404,
    "RAY_SERVE_HAPROXY_METRICS_PORT": 9101,
    "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": 8500,
}
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - what Ray's HAProxy and the default of `serve` bind
#: What binding says of an address that is not one of this machine's.
_NOT_OURS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

Say = Callable[[str], None]
_Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


class NotStartedError(VestlusError):
    """The service did not come up. The message says what is known of why."""


class HostUnknownError(VestlusError):
    """One cannot listen on this host: it is no address of this machine."""


class PortTakenError(VestlusError):
    """Something else listens on the port."""


def port_is_free(host: str, port: int) -> bool:
    """Whether one could listen there now, on every address that the host has on this machine.

    Raises HostUnknownError, and NotStartedError where this user may not use the port.
    """
    ours = 0
    for family, address in _addresses(host, port):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except PermissionError as error:
            raise NotStartedError(f"this user may not listen on port {port}") from error
        except OSError as error:
            if error.errno not in _NOT_OURS:
                return False
        else:
            ours += 1
    if not ours:
        raise HostUnknownError(f"one cannot listen on {host}: it is no address of this machine")
    return True


def free_port(host: str) -> int:
    """A port that nothing listens on now. Raises HostUnknownError."""
    (family, address), *_ = _addresses(host, 0)
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        raise HostUnknownError(f"one cannot listen on {host}: {error.strerror}") from error


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, _Address]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # no such name; no name at all
        raise HostUnknownError(
            f"one cannot listen on {host}: there is no such host; VESTLUS_HTTP_HOST names it"
        ) from error
    return [(family, address) for family, _, _, _, address in found]


@contextmanager
def running(settings: Settings, stop: Stop, say: Say) -> Iterator[str]:
    """The service, ready to answer; gives its address. Leaving drains and ends it.

    Connects to the Ray cluster of ``RAY_ADDRESS``, or starts one here that ends with it. Raises
    NotStartedError, PortTakenError, HostUnknownError, and KeyboardInterrupt when told to stop
    before it is ready. While the service runs, ``stop`` raises RayEnded when the Ray that was
    started here has died; then everything is ended without draining.
    """
    if not port_is_free(settings.http_host, settings.http_port):
        raise PortTakenError(
            f"port {settings.http_port} is taken: end what listens there, "
            "or set VESTLUS_HTTP_PORT to another one"
        )
    asyncio.run(_check_adapters(settings))
    stop.check()
    with _private_folder() as folder:
        _prepare_environment(settings, folder)
        with _deployed(settings, stop, say) as address:
            yield address


@contextmanager
def _deployed(settings: Settings, stop: Stop, say: Say) -> Iterator[str]:
    # Only now: Ray and Ray Serve read the environment when they are imported.
    from ray import serve
    from ray.exceptions import RayError

    from conversation_registry import end_outdated, start_registry
    from serve_app import APP_NAME, application

    local = not os.environ.get("RAY_ADDRESS")
    here = LocalRay() if local else None
    say("Ray starts …" if local else "Connecting to the Ray cluster …")
    registry = None
    try:
        with _hangups_held_back():
            _start_ray(local=local)
        stop.listen()
        if here is not None:
            stop.watch = here.check
        cluster = uuid4().hex[:12]
        with stop.interrupting():
            if not local:
                end_outdated(settings, DRAIN_SECONDS)
            registry = start_registry(settings, cluster)
            say("Serve and the actors start …")
            try:
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
            except (RayError, TimeoutError) as error:
                raise NotStartedError(
                    f"Ray could not start the service ({type(error).__name__}): is this machine "
                    "too busy or too small, or a port taken? The lines above may say more"
                ) from error
            address = f"http://{reachable(settings.http_host)}:{settings.http_port}"
            _wait_until_ready(address, stop)
        yield address
    finally:
        if here is not None and here.ended:
            here.end()
        else:
            _end(registry, stop, say, local=local)


def _end(registry: Any, stop: Stop, say: Say, *, local: bool) -> None:  # noqa: ANN401 - a Ray handle
    """Ends in good order, and at once when told to again. Raises KeyboardInterrupt then.

    No more is taken in; turns under way are finished, then sends; leases are handed over; then
    everything is closed. What a deadline cuts off is in the store, and goes on at the next start.
    """
    import ray
    from ray import serve

    from actors import NAMESPACE
    from conversation_registry import end_at_once
    from serve_app import APP_NAME

    hurried = False
    try:
        if registry is not None:
            say("Stopping: no more is taken in, what is under way is finished …")
            end_serve: Callable[[], None] = serve.shutdown
            end_serve()
            ray.get(registry.drain.remote(DRAIN_SECONDS), timeout=2 * DRAIN_SECONDS + 40)
    except ray.exceptions.RayError as error:
        say(f"Not drained in good order ({type(error).__name__}); nothing is lost by that.")
    except KeyboardInterrupt:
        hurried = True
    # From here on it takes a moment, and interrupted it would leave processes behind.
    stop.deafen()
    if hurried:
        say("Ending at once; what was under way goes on at the next start.")
        if not local:
            # An application on somebody else's cluster; our own one ends as a whole.
            serve.delete(APP_NAME, _blocking=False)
    try:
        if registry is not None:
            end_at_once()
    finally:
        ray.shutdown()
    say(f"Stopped. (Ray namespace {NAMESPACE})" if not local else "Stopped.")
    if hurried:
        raise KeyboardInterrupt


async def _check_adapters(settings: Settings) -> None:
    """Opens the store and the bus once, so that what is wrong with them is told, of both, and
    before Ray starts. Brings the schema up to date, and the image bank. Raises NotStartedError.
    """
    problems: list[NotStartedError] = []
    for check in (_check_store, _check_bus):
        try:
            await check(settings)
        except NotStartedError as error:
            problems.append(error)
    if problems:
        raise NotStartedError("\n".join(map(str, problems))) from problems[0]


async def _check_store(settings: Settings) -> None:
    topology = Topology(inbox=settings.partitions)
    try:
        async with (
            open_store(
                settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
            ) as store,
            open_storage(settings),
        ):
            await load_at_start(settings, store, system_clock)
            pictures = await ImageBank(store, clock=system_clock).pictures()
            await keep_picture_vectors(settings, store, pictures.values(), system_clock)
    except (CatalogueRefused, PictureRefused, StorageUnavailable, SettingsError) as error:
        raise NotStartedError(str(error)) from error
    except StoreUnavailable as error:
        raise NotStartedError(
            _unusable("VESTLUS_DATABASE_URL", settings.database, error)
            or "the database of VESTLUS_DATABASE_URL does not answer: is it running, and are "
            "address, user and password right?"
        ) from error
    except StoreError as error:
        raise NotStartedError(str(error)) from error
    except (ValueError, OSError) as error:
        raise NotStartedError(f"VESTLUS_DATABASE_URL: {error}") from error


async def _check_bus(settings: Settings) -> None:
    try:
        async with open_bus(settings.bus, Topology(inbox=settings.partitions)) as bus:
            await bus.check()
    except BusUnavailable as error:
        raise NotStartedError(
            _unusable("VESTLUS_BUS_URL", settings.bus, error)
            or "the broker of VESTLUS_BUS_URL does not answer: is it running, and are address, "
            "user, password and virtual host right?"
        ) from error
    except SettingsError as error:
        raise NotStartedError(str(error)) from error
    except (BusError, ValueError, OSError) as error:
        raise NotStartedError(f"VESTLUS_BUS_URL: {error}") from error


def _unusable(name: str, url: str, error: VestlusError) -> str | None:
    """What is said of a file. A server's own words may hold its address, a file's do not."""
    if not url.startswith("sqlite:"):
        return None
    return f"the SQLite file of {name}, or of VESTLUS_DATA_DIR, cannot be used: {error}"


def _prepare_environment(settings: Settings, haproxy_folder: Path) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Ray's own warning about packing the working folder, which is not done here.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    # Serve's controller kills a proxy that is not ready so soon, and the start fails by that; its
    # default of 5 s is too short for a busy machine.
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "30")
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
        # A stopping replica waits so long for balancers outside to notice; Ray's default is 30 s.
        # Serve tells its own HAProxy at once, and webhooks take milliseconds.
        os.environ.setdefault("RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S", "2")
        if not os.environ.get("RAY_ADDRESS"):
            os.environ.update(_haproxy_ports(settings.http_port, os.environ))


def _haproxy_ports(http_port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """Those of HAProxy's other ports that Ray would take and that are not free, replaced.

    What the environment says stays as it is.
    """
    used = {str(http_port), *(environ[name] for name in HAPROXY_PORTS if name in environ)}
    ports: dict[str, str] = {}
    with ExitStack() as held:
        for name, port in HAPROXY_PORTS.items():
            if name in environ or (str(port) not in used and port_is_free(EVERY_ADDRESS, port)):
                continue
            while (chosen := _held_port(held)) in used:
                pass
            ports[name] = chosen
    return ports


def _held_port(held: ExitStack) -> str:
    """A free port, which stays taken until the stack ends: so the next one differs."""
    probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    probe.bind((EVERY_ADDRESS, 0))
    return str(probe.getsockname()[1])


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


@contextmanager
def _hangups_held_back() -> Iterator[None]:
    """Processes that are started meanwhile never hear SIGHUP: the end of the terminal tells every
    process in it, and Ray's are needed until what is under way is finished. We hear one that comes
    meanwhile, at the latest afterwards.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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


def reachable(host: str) -> str:
    """The host in an address, for one on this machine."""
    here = {EVERY_ADDRESS: "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{here}]" if ":" in here else here


def _wait_until_ready(address: str, stop: Stop) -> None:
    deadline = time.monotonic() + START_SECONDS
    problem = "no answer"
    while time.monotonic() < deadline:
        stop.check()
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
