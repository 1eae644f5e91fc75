"""What Ray Serve has been told of the webhook. Serve has no public way to ask for that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ray.serve import Application
from ray.serve.context import _get_global_client
from ray.serve.schema import APIType

from serve_app import APP_NAME, DEPLOYMENT_NAME, application
from vestlus.scaling.size import PoolSize
from vestlus.settings import Settings


@dataclass(frozen=True, slots=True)
class IngressTarget:
    """The application as it was deployed last."""

    settings: Settings
    cluster: str
    version: str
    #: Least and most replicas; the same where Serve does not decide.
    bounds: tuple[int, int]
    #: By a configuration that Serve was given, as KubeRay gives it, and not by a program of ours.
    declared: bool

    def resized(self, size: PoolSize) -> Application:
        """The same with another number of replicas; none that runs is restarted for it."""
        return application(self.settings, self.cluster, size, self.version)


def ingress_target() -> IngressTarget:
    """Asks Serve. Raises RayError, RayServeException."""
    client: Any = _get_global_client()
    info, _ = client.get_deployment_info(DEPLOYMENT_NAME, APP_NAME)
    settings, cluster = info.replica_config.init_args
    config = info.deployment_config
    scaling = config.autoscaling_config
    bounds = (config.num_replicas, config.num_replicas)
    if scaling is not None:
        bounds = (scaling.min_replicas, scaling.max_replicas)
    # An `ApplicationDetails` of Ray's.
    told = client.get_serve_details()["applications"].get(APP_NAME) or {}
    declared = told.get("source") == APIType.DECLARATIVE
    return IngressTarget(settings, cluster, info.version, bounds, declared)
