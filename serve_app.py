"""The composition root of the HTTP side: ``serve run serve_app:app`` works as it is.

``vestlus serve`` and ``vestlus demo`` deploy the same application.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import ray
import structlog
from ray import serve
from ray.serve import Application, RunTarget
from starlette.types import ASGIApp

from actors.nodes import live_nodes
from actors.roles import WEBHOOK, role_resource, role_resources
from conversation_registry import start_registry
from vestlus.garbage import collect_seldom
from vestlus.logs import configure_logs
from vestlus.scaling.size import MOST_REPLICAS, PoolSize
from vestlus.settings import Settings, load_settings

_log = structlog.get_logger(__name__)

APP_NAME = "vestlus"
DEPLOYMENT_NAME = "Webhook"

#: Webhooks held by one replica at a time; more wait in the proxy, and at the client then. The
#: handler itself answers 503 before that when the bus is slow.
MOST_REQUESTS = 2000


#: Processors that Ray sets aside for a replica; it may use more.
REPLICA_CPUS = 0.1

#: Requests that wait for one of these places, beyond which Serve answers 503. Its default is no
#: limit.
MOST_WAITING = 1000

#: Requests that are under way at a replica when it has enough to do. One takes some milliseconds,
#: most of them the broker's: with so many under way it is the replica that is slow.
AIM_REQUESTS = 50


@serve.deployment(
    name=DEPLOYMENT_NAME,
    max_ongoing_requests=MOST_REQUESTS,
    max_queued_requests=MOST_WAITING,
    ray_actor_options={"num_cpus": REPLICA_CPUS},
    health_check_period_s=5,
    graceful_shutdown_timeout_s=10,
    # A replica sleeps so long before it looks, for the first time too, whether requests are under
    # way that it has to finish. Serve's default is 2 s, and webhooks take milliseconds.
    graceful_shutdown_wait_loop_s=0.5,
)
@serve.ingress()
class Webhook:
    """Takes Meta's webhooks. A replica also sees to it that the registry exists."""

    def __init__(self, settings: Settings, cluster: str) -> None:
        configure_logs(settings.log_level, readable=settings.readable_logs)
        self._settings = settings
        # Held: Serve may outlive whoever deployed it, and the registry must not.
        self._registry = start_registry(settings, cluster)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """Called by Serve after the constructor, in the replica."""
        # Whoever deploys the application needs nothing of what the replicas have.
        from vestlus.web import Front  # noqa: PLC0415 - as above

        front = Front(self._settings)
        collect_seldom()
        return front


def replica_bounds(size: PoolSize) -> tuple[int, int]:
    """Least and most webhook replicas of a size, with the processors that the cluster has now."""
    resources: Callable[[], Any] = ray.cluster_resources
    # `serve build` knows of no cluster.
    processors = resources().get("CPU", 1.0) if ray.is_initialized() else 1.0
    return size.bounds(MOST_REPLICAS, processors)


def _warn_of_missing_nodes(least: int) -> None:
    """Replicas beyond the nodes of their role wait, and whoever deploys waits with them."""
    if not ray.is_initialized():
        return
    offered = {role_resource(WEBHOOK)}
    places = sum(1 for one in live_nodes() if offered & set(one["Resources"]))
    if places < least:
        _log.warning("replicas_wait_for_nodes", role=WEBHOOK, replicas=least, nodes=places)


def application(
    settings: Settings, cluster: str, size: PoolSize | None = None, version: str | None = None
) -> Application:
    """The Serve application of these settings, with so many webhook replicas.

    Deployed again with another ``size`` only, no replica is restarted: that is what the version
    is for, which is new with each start of the service, and the cluster's name unless it is given.
    """
    size = size or settings.webhook_replicas
    least, most = replica_bounds(size)
    replicas: dict[str, Any] = {"num_replicas": least}
    if size.auto:
        replicas = {
            "num_replicas": None,
            "autoscaling_config": {
                "min_replicas": least,
                "max_replicas": most,
                "target_ongoing_requests": AIM_REQUESTS,
                "upscale_delay_s": 10,
                "downscale_delay_s": 600,
            },
        }
    if settings.node_roles:
        replicas["ray_actor_options"] = {
            "num_cpus": REPLICA_CPUS,
            "resources": role_resources(settings, WEBHOOK),
        }
        # Spreading alone is a wish: the first node that comes would take all of them, and one that
        # outlives another too. Then only one node would take webhooks in, and could not be drained.
        replicas["max_replicas_per_node"] = 1
        _warn_of_missing_nodes(least)
    deployment: Any = Webhook
    # Ray 2.60 has no public way to keep the version, and makes a new one each time otherwise.
    deployment = deployment.options(**replicas, version=version or cluster, _internal=True)
    bound: Application = deployment.bind(settings, cluster)
    return bound


def deployed(application: Application, *, wait: bool = True) -> None:
    """Deploys the application, or what changed of it, and waits until it runs unless told not to.

    Waiting has no end while the cluster has no room for a replica. Raises RayError,
    RayServeException, TimeoutError, and RuntimeError when the application cannot run.
    """
    quiet = {"log_level": "WARNING", "enable_access_log": False}
    serve.run_many(
        [RunTarget(application, name=APP_NAME, route_prefix="/", logging_config=quiet)],
        wait_for_applications_running=wait,
    )


def app(_: dict[str, str]) -> Application:
    """For ``serve run serve_app:app`` and ``serve build``: settings from the environment.

    Raises SettingsError.
    """
    return application(load_settings(), uuid4().hex[:12])
