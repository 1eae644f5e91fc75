"""Starts the service on Ray, waits until it can answer, and ends it without a trace."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from vestlus.cli.local_ray import LocalRay
from vestlus.cli.not_started import NotStartedError
from vestlus.cli.ports import check_head, haproxy_ports, reachable
from vestlus.cli.preflight import check_adapters
from vestlus.cli.serving import check_port, end_serve, refuse_other_port, start_serve
from vestlus.cli.stopping import Stop
from vestlus.settings import Settings

#: How long turns and sends under way may take when the service is told to stop, seconds.
DRAIN_SECONDS = 30.0
#: Starting takes 20 s on a laptop and over a minute on a busy machine.
START_SECONDS = 180.0
#: What a local Ray keeps for objects. No message passes through Ray: the least it allows.
OBJECT_STORE_BYTES = 100 * 1024 * 1024

Say = Callable[[str], None]


@contextmanager
def running(settings: Settings, stop: Stop, say: Say) -> Iterator[str]:
    """The service, ready to answer; gives its address. Leaving drains and ends it.

    Connects to the Ray cluster of ``RAY_ADDRESS``, or starts one here that ends with it. Raises
    NotStartedError, PortTakenError, HostUnknownError, and KeyboardInterrupt when told to stop
    before it is ready. While the service runs, ``stop`` raises RayEnded when the Ray that was
    started here has died; then everything is ended without draining.
    """
    if not os.environ.get("RAY_ADDRESS"):
        check_port(settings)
    asyncio.run(check_adapters(settings))
    stop.check()
    with _private_folder() as folder:
        _prepare_environment(settings, folder)
        with _deployed(settings, stop, say) as address:
            yield address


@contextmanager
def _deployed(settings: Settings, stop: Stop, say: Say) -> Iterator[str]:
    # Only now: Ray and Ray Serve read the environment when they are imported.
    import ray
    from ray.exceptions import RayError

    from conversation_registry import end_outdated, start_registry
    from serve_app import application, deployed

    local = not os.environ.get("RAY_ADDRESS")
    here = LocalRay() if local else None
    say("Ray starts …" if local else "Connecting to the Ray cluster …")
    registry = None
    joined = ready = refused = False
    try:
        with _hangups_held_back():
            _start_ray(local=local)
        stop.listen()
        if here is not None:
            stop.watch = here.check
        cluster = uuid4().hex[:12]
        with stop.interrupting():
            if not local:
                refuse_other_port(settings)
                joined = end_outdated(settings, DRAIN_SECONDS)
            registry = start_registry(settings, cluster)
            say("Serve and the actors start …")
            try:
                start_serve(settings, local=local)
                deployed(application(settings, cluster))
                if joined:
                    ray.get(registry.deployed_again.remote(), timeout=START_SECONDS)
            except (RayError, TimeoutError, RuntimeError) as error:
                # RuntimeError is Serve's, for an application that cannot run.
                raise NotStartedError(
                    f"Ray could not start the service ({type(error).__name__}): is this machine "
                    "too busy or too small, or a port taken? The lines above may say more"
                ) from error
            address = f"http://{reachable(settings.http_host)}:{settings.http_port}"
            _wait_until_ready(address, stop)
        ready = True
        yield address
    except Exception:
        refused = not ready
        raise
    finally:
        if here is not None and here.ended:
            here.end()
        elif joined and refused:
            say("Not started. The service that runs on this cluster goes on.")
            ray.shutdown()
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
            _end_ingress(say, local=local)
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
    if local or registry is not None:
        say("Stopped." if local else f"Stopped. (Ray namespace {NAMESPACE})")
    if hurried:
        raise KeyboardInterrupt


def _end_ingress(say: Say, *, local: bool) -> None:
    """What Serve does not end in time, as on a node that is cut off, holds nothing else up."""
    from ray.exceptions import RayError

    try:
        end_serve(local=local)
    except (RayError, TimeoutError) as error:
        say(f"The ingress did not end in time ({type(error).__name__}); the actors end now.")


def _prepare_environment(settings: Settings, haproxy_folder: Path) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Ray shows a line of which it has seen the like, but for numbers, within 5 s, only in a count:
    # each of ours is about another message.
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    # Ray's own warning about packing the working folder, which is not done here.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    # Serve's controller kills a proxy that is not ready so soon, and the start fails by that; its
    # default of 5 s is too short for a busy machine.
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "30")
    if not os.environ.get("RAY_ADDRESS"):
        # What a Ray of our own does all the time beside the work. Serve's controller goes round ten
        # times a second, and each round costs about 3 ms; 30 s are as good as 5 for the sums of a
        # node that has no dashboard.
        os.environ.setdefault("RAY_SERVE_CONTROL_LOOP_INTERVAL_S", "0.25")
        os.environ.setdefault("REPORTER_UPDATE_INTERVAL_MS", "30000")
    if settings.ingress == "haproxy":
        os.environ["RAY_SERVE_ENABLE_HA_PROXY"] = "1"
        os.environ["RAY_SERVE_THROUGHPUT_OPTIMIZED"] = "1"
        # That would turn what replicas log into a file of Serve's, behind a buffer of 1000 lines.
        os.environ.setdefault("RAY_SERVE_LOG_TO_STDERR", "1")
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
            os.environ.update(haproxy_ports(settings.http_port, os.environ))


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
        return
    address = os.environ["RAY_ADDRESS"]
    try:
        check_head(address)
        ray.init(namespace="vestlus", log_to_driver=True, logging_level=logging.WARNING)
    except (OSError, RuntimeError, ray.exceptions.RayError) as error:
        raise NotStartedError(
            f"no Ray cluster can be joined at {address} (RAY_ADDRESS): is its head up, does a node "
            "of it run on this machine, and has this command its token (RAY_AUTH_TOKEN or "
            f"RAY_AUTH_TOKEN_PATH)? {type(error).__name__}"
        ) from error


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
