"""Who is compared, and how each is started."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.comparison.ground import Place, peers_tables
from vestlus.loadtest.children import Child, helper, service
from vestlus.loadtest.environment import _PERSONA, NICENESS, service_environment

OURS = "Vestlus"
OURS_EMBEDDED = "Vestlus, embedded"
FASTAPI = "FastAPI + aio-pika"
CELERY = "Celery"
RAY_ACTORS = "Ray, an actor per user"

#: Connections to PostgreSQL of all a peer's processes together; the server allows 200.
CONNECTIONS = 64
RAY_END_SECONDS = 90.0

Start = Callable[[ExitStack, Place], dict[str, Child]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """``start`` gives its processes by name, ready or not. ``how`` is what was tuned."""

    title: str
    start: Start
    how: str = ""
    #: Users that it can have on this machine; None for any number.
    most_users: int | None = None


def vestlus(*, embedded: bool = False) -> Contestant:
    """The whole service, on RabbitMQ and PostgreSQL or on files."""

    def start(stack: ExitStack, place: Place) -> dict[str, Child]:
        return {
            "service": stack.enter_context(service(ours(place, embedded=embedded), place.folder))
        }

    return Contestant(OURS_EMBEDDED if embedded else OURS, start)


def vestlus_intake(replicas: int) -> Contestant:
    """The webhook behind HAProxy, with no actors behind it."""

    def start(stack: ExitStack, place: Place) -> dict[str, Child]:
        environment = ours(place) | {"VESTLUS_WEBHOOK_REPLICAS": str(replicas)}
        module = ["benchmarks.comparison.webhook_alone"]
        return {"service": _with_ray(stack, place, module, environment)}

    return Contestant(OURS, start, how=f"replicas: {replicas}")


def ours(place: Place, *, embedded: bool = False) -> dict[str, str]:
    """The environment of ``vestlus serve``; how it is tuned comes from our own."""
    others = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    durable = (
        {}
        if embedded
        else {
            "VESTLUS_BUS_URL": place.amqp_url,
            "VESTLUS_DATABASE_URL": place.database_url,
        }
    )
    return service_environment(
        others | durable,
        place.folder,
        place.port,
        accounts=place.accounts,
        known=place.known,
        graph_url=place.graph_url,
        model_url=place.model_url,
    )


def fastapi_intake(workers: int) -> Contestant:
    """FastAPI, uvicorn and aio-pika."""

    def start(stack: ExitStack, place: Place) -> dict[str, Child]:
        return {"webhook": _uvicorn(stack, place, "fastapi_intake", _peers(place), workers)}

    return Contestant(FASTAPI, start, how=f"uvicorn workers: {workers}")


@dataclass(frozen=True, slots=True)
class CeleryWay:
    """How Celery is run: ``processes`` are whole workers but for prefork; ``web`` is uvicorn's."""

    pool: str
    processes: int
    concurrency: int
    web: int = 1

    def contestant(self) -> Contestant:
        """FastAPI in front, Celery workers behind."""
        web = f", uvicorn workers: {self.web}" if self.web > 1 else ""
        return Contestant(
            CELERY, self._start, how=f"{self.pool}, {self.processes} x {self.concurrency}{web}"
        )

    def _start(self, stack: ExitStack, place: Place) -> dict[str, Child]:
        peers_tables(place.database_url)
        prefork = self.pool == "prefork"
        mine = 1 if prefork else min(self.concurrency, CONNECTIONS // self.processes)
        environment = _peers(place) | {"PEER_CONNECTIONS": str(max(1, mine))}
        found = {"webhook": _uvicorn(stack, place, "celery_webhook", environment, self.web)}
        for number in range(self.processes):
            name = f"worker-{number}"
            arguments = [
                *("celery", "-A", "benchmarks.peers.celery_app", "worker", "--pool", self.pool),
                *("--concurrency", str(self.concurrency), "--loglevel", "WARNING"),
                *("--hostname", f"{name}@%h", "--without-gossip", "--without-mingle"),
            ]
            found[name] = _started(stack, place, name, arguments, environment)
        return found


def ray_actors(most_users: int) -> Contestant:
    """Ray Serve in front, an actor for each user."""

    def start(stack: ExitStack, place: Place) -> dict[str, Child]:
        environment = _peers(place) | {"PEER_CONNECTIONS": "16"}
        arguments = ["benchmarks.peers.ray_actors", "--port", str(place.port)]
        return {"service": _with_ray(stack, place, arguments, environment)}

    return Contestant(RAY_ACTORS, start, how=f"{most_users} users", most_users=most_users)


def _with_ray(
    stack: ExitStack, place: Place, arguments: list[str], environment: Mapping[str, str]
) -> Child:
    child = stack.enter_context(helper("service", arguments, environment, place.folder))
    # Ray takes longer to end than other helpers are given.
    stack.callback(child.end, signal.SIGTERM, RAY_END_SECONDS)
    return child


def _uvicorn(
    stack: ExitStack, place: Place, module: str, environment: Mapping[str, str], workers: int
) -> Child:
    arguments = [
        *("uvicorn", f"benchmarks.peers.{module}:app", "--host", "127.0.0.1"),
        *("--port", str(place.port), "--workers", str(workers)),
        *("--no-access-log", "--log-level", "warning"),
    ]
    return _started(stack, place, "webhook", arguments, environment)


def _started(
    stack: ExitStack, place: Place, name: str, arguments: list[str], environment: Mapping[str, str]
) -> Child:
    """A process that comes after the users, Instagram and the model, as Ray's do."""
    child = stack.enter_context(helper(name, arguments, environment, place.folder))
    os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
    return child


def _peers(place: Place) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    return kept | {
        "PEER_APP_SECRET": place.known.app_secret,
        "PEER_ACCESS_TOKEN": place.known.access_token,
        "PEER_GRAPH_URL": f"{place.graph_url}/graph/v25.0",
        "PEER_PERSONA": _PERSONA,
        "PEER_BROKER_URL": place.amqp_url,
        "PEER_DATABASE_URL": place.database_url,
        "OPENAI_BASE_URL": f"{place.model_url}/openai/v1",
        "OPENAI_API_KEY": "not-needed-by-the-simulator",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": str(NICENESS),
    }
