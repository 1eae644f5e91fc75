"""Ray Serve on somebody else's cluster: joined as it is, and left with what is not ours."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from ray import serve
from ray.serve import context

from serve_app import APP_NAME
from vestlus.cli import serving
from vestlus.cli.not_started import NotStartedError, PortTakenError
from vestlus.settings import Settings


class Cluster:
    """What Serve has on a cluster, and what was done with it."""

    def __init__(self, *applications: str, port: int | None = None) -> None:
        self.applications = dict.fromkeys(applications)
        self.port = port
        self.done: list[str] = []

    def client(self, *, raise_if_no_controller_running: bool) -> object:
        assert not raise_if_no_controller_running
        if self.port is None:
            return None
        return SimpleNamespace(http_config=SimpleNamespace(port=self.port))

    def delete(self, name: str) -> None:
        del self.applications[name]
        self.done.append(f"delete {name}")


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[Cluster], Cluster]:
    """Return what puts a cluster in the place of Ray Serve."""

    def put(cluster: Cluster) -> Cluster:
        monkeypatch.setattr(context, "_get_global_client", cluster.client)
        monkeypatch.setattr(serve, "start", lambda **_: cluster.done.append("start"))
        monkeypatch.setattr(serve, "shutdown", lambda: cluster.done.append("shutdown"))
        monkeypatch.setattr(serve, "delete", cluster.delete)
        monkeypatch.setattr(serve, "status", lambda: cluster)
        return cluster

    return put


On = Callable[[Cluster], Cluster]


def test_where_serve_runs_already_its_port_is_kept_and_another_is_refused(on: On) -> None:
    cluster = on(Cluster("other", port=8000))
    serving.start_serve(Settings(http_port=8000), local=False)
    with pytest.raises(NotStartedError, match="8000"):
        serving.start_serve(Settings(http_port=8001), local=False)
    assert cluster.done == []


def test_where_none_runs_it_is_started_if_the_port_is_free(
    on: On, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = on(Cluster())
    monkeypatch.setattr(serving, "port_is_free", lambda _host, port: port == 8000)
    serving.start_serve(Settings(http_port=8000), local=False)
    with pytest.raises(PortTakenError, match="8001"):
        serving.start_serve(Settings(http_port=8001), local=False)
    assert cluster.done == ["start"]


def test_what_others_have_on_serve_is_left_alone(on: On) -> None:
    cluster = on(Cluster(APP_NAME, "other"))
    serving.end_serve(local=False)
    assert cluster.done == [f"delete {APP_NAME}"]


def test_a_serve_without_anything_on_it_is_ended(on: On) -> None:
    cluster = on(Cluster(APP_NAME))
    serving.end_serve(local=False)
    assert cluster.done == [f"delete {APP_NAME}", "shutdown"]
    cluster = on(Cluster())
    serving.end_serve(local=False)
    assert cluster.done == ["shutdown"]


def test_a_serve_of_our_own_is_ended_as_a_whole(on: On) -> None:
    cluster = on(Cluster(APP_NAME))
    serving.end_serve(local=True)
    assert cluster.done == ["shutdown"]
