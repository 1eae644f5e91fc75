"""How long whoever is told to end with a whole Ray cluster has for it."""

from __future__ import annotations

from ray._private.ray_constants import RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S

from tests.nodes.ray_service import manifest
from vestlus.hosting.membership import LEASE_SECONDS


def test_actors_have_ended_before_ray_ends_its_node_and_that_before_kubernetes_kills_it() -> None:
    assert LEASE_SECONDS < RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S < manifest().grace


def test_what_is_rehearsed_is_the_application_that_is_deployed() -> None:
    (application,) = manifest().config["applications"]
    assert application["import_path"] == "serve_app:app"
