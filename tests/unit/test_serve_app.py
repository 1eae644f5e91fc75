"""What Ray Serve is told about the webhook's replicas."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from serve_app import application
from vestlus.scaling.size import parse_size
from vestlus.settings import Mode, Settings, load_settings


def told(settings: Settings, size: str | None = None, cluster: str = "c1") -> Any:  # noqa: ANN401 - Serve's
    built: Any = application(settings, cluster, parse_size(size) if size else None)
    return built._bound_deployment


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings({"VESTLUS_WEBHOOK_REPLICAS": "2"}, mode=Mode.OPERATE)


def test_the_settings_say_how_many_replicas_unless_another_size_is_wished(
    settings: Settings,
) -> None:
    assert told(settings).num_replicas == 2
    assert told(settings, "3").num_replicas == 3


def test_with_auto_serve_decides_within_the_bounds(settings: Settings) -> None:
    scaling = told(settings, "auto:2-5")._deployment_config.autoscaling_config
    assert (scaling.min_replicas, scaling.max_replicas) == (2, 5)
    assert told(settings, "2")._deployment_config.autoscaling_config is None


def test_another_number_is_the_same_version_so_that_no_replica_is_restarted(
    settings: Settings,
) -> None:
    assert told(settings).version == told(settings, "auto:1-4").version
    assert told(settings).version != told(settings, cluster="c2").version


def test_no_two_replicas_share_a_node_of_their_role(settings: Settings) -> None:
    with_roles = settings.model_copy(update={"node_roles": True})
    for size in ("2", "auto:2-5"):
        assert told(with_roles, size)._replica_config.max_replicas_per_node == 1
        assert told(settings, size)._replica_config.max_replicas_per_node is None


def test_that_replicas_will_wait_for_nodes_of_their_role_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [
        {"Alive": True, "Resources": {"CPU": 2.0, "vestlus_webhook": 1.0}},
        {"Alive": False, "Resources": {"CPU": 2.0, "vestlus_webhook": 1.0}},
        {"Alive": True, "Resources": {"CPU": 2.0, "vestlus_publisher": 1.0}},
    ]
    monkeypatch.setattr("ray.is_initialized", lambda: True)
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 4.0})
    monkeypatch.setattr("ray.nodes", lambda: nodes)
    with capture_logs() as logs:
        told(settings.model_copy(update={"node_roles": True}), "1")
        told(settings, "2")
        assert logs == []
        told(settings.model_copy(update={"node_roles": True}), "2")
    assert logs == [
        {
            "event": "replicas_wait_for_nodes",
            "log_level": "warning",
            "role": "webhook",
            "replicas": 2,
            "nodes": 1,
        }
    ]


def test_replicas_ask_for_nodes_of_their_role_only_where_the_cluster_has_such(
    settings: Settings,
) -> None:
    assert told(settings).ray_actor_options == {"num_cpus": 0.1}
    with_roles = settings.model_copy(update={"node_roles": True})
    assert told(with_roles).ray_actor_options == {
        "num_cpus": 0.1,
        "resources": {"vestlus_webhook": 0.001},
    }
