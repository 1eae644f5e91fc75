"""The composition root of the HTTP side: ``serve run serve_app:app`` works as it is.

``vestlus serve`` and ``vestlus demo`` deploy the same application.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from ray import serve
from ray.serve import Application
from starlette.types import ASGIApp

from conversation_registry import start_registry
from vestlus.logs import configure_logs
from vestlus.settings import Settings, load_settings
from vestlus.web import Front

APP_NAME = "vestlus"

#: Webhooks held by one replica at a time; more wait in the proxy, and at the client then. The
#: handler itself answers 503 before that when the bus is slow.
MOST_REQUESTS = 2000


#: Requests that wait for one of these places, beyond which Serve answers 503. Its default is no
#: limit.
MOST_WAITING = 1000


@serve.deployment(
    name="Webhook",
    max_ongoing_requests=MOST_REQUESTS,
    max_queued_requests=MOST_WAITING,
    ray_actor_options={"num_cpus": 0.1},
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
        configure_logs(settings.log_level)
        self._settings = settings
        # Held: Serve may outlive whoever deployed it, and the registry must not.
        self._registry = start_registry(settings, cluster)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """Called by Serve after the constructor, in the replica."""
        return Front(self._settings)


def application(settings: Settings, cluster: str) -> Application:
    """The Serve application of these settings."""
    replicas = settings.webhook_replicas
    deployment: Any = Webhook
    bound: Application = deployment.options(
        num_replicas=1 if replicas == "auto" else replicas
    ).bind(settings, cluster)
    return bound


def app(_: dict[str, str]) -> Application:
    """For ``serve run serve_app:app`` and ``serve build``: settings from the environment.

    Raises SettingsError.
    """
    return application(load_settings(), uuid4().hex[:12])
