"""``vestlus serve`` beside a service that runs on the same cluster already."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray import serve
from ray.exceptions import ActorDiedError, ActorUnavailableError, GetTimeoutError

import conversation_registry
from conversation_registry import end_outdated
from serve_app import APP_NAME
from tests.unit.test_cli_serving import Cluster, On, on
from vestlus import __version__
from vestlus.cli import launch, serving
from vestlus.cli.not_started import NotStartedError, PortTakenError
from vestlus.cli.stopping import Stop
from vestlus.settings import Settings
from vestlus.settings_digest import digest_of

__all__ = ["on"]

RUNNING = Settings(http_host="127.0.0.1", http_port=8000)


class Remote:
    """A method of an actor."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.remote = call


@pytest.fixture
def cluster(on: On, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Return one with the service of ``RUNNING``, and what is done with it."""
    cluster = on(Cluster(APP_NAME, port=8000))
    registry = SimpleNamespace(
        describe=Remote(lambda: {"settings": digest_of(RUNNING), "version": __version__}),
        drain=Remote(lambda _: cluster.done.append("drain actors")),
        deployed_again=Remote(lambda: cluster.done.append("deployed again")),
    )
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.setattr(launch, "_start_ray", lambda **_: None)
    monkeypatch.setattr(Stop, "listen", lambda _: None)
    monkeypatch.setattr(Stop, "deafen", staticmethod(lambda: None))
    monkeypatch.setattr(ray, "get_actor", lambda *_: registry)
    monkeypatch.setattr(ray, "get", lambda value, **_: value)
    monkeypatch.setattr(ray, "kill", lambda *_, **__: cluster.done.append("kill registry"))
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr("serve_app.application", lambda *_: None)
    monkeypatch.setattr("serve_app.deployed", lambda _: cluster.done.append("deploy"))
    monkeypatch.setattr(conversation_registry, "start_registry", lambda *_: registry)
    monkeypatch.setattr(
        conversation_registry, "end_at_once", lambda: cluster.done.append("end all actors")
    )
    return cluster


def refused(settings: Settings, said: list[str]) -> str:
    with (
        pytest.raises(NotStartedError) as error,
        launch._deployed(settings, Stop(), said.append),
    ):
        pass
    return str(error.value)


def test_another_port_is_refused_and_what_runs_is_left_as_it_is(cluster: Cluster) -> None:
    assert "8000" in refused(Settings(http_host="127.0.0.1", http_port=9000), [])
    assert cluster.done == []


def test_what_ran_before_goes_on_where_this_machine_does_not_get_ready(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "START_SECONDS", 0.0)
    said: list[str] = []
    assert "readyz" in refused(RUNNING, said)
    assert cluster.done == ["deploy", "deployed again"]
    assert "goes on" in said[-1]


def test_who_joins_ends_the_service_when_told_to(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "_wait_until_ready", lambda *_: None)
    with launch._deployed(RUNNING, Stop(), lambda _: None):
        assert cluster.done == ["deploy", "deployed again"]
    assert cluster.done[2:] == [
        f"delete {APP_NAME}",
        "shutdown",
        "drain actors",
        "end all actors",
    ]


def test_other_settings_end_what_runs_before_they_start(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "_wait_until_ready", lambda *_: None)
    other = Settings(http_host="127.0.0.1", http_port=8000, model="another")
    with launch._deployed(other, Stop(), lambda _: None):
        assert cluster.done == ["drain actors", "end all actors", "deploy"]


def test_another_version_is_ended_before_this_one_starts(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_registry, "__version__", "0.0.1")
    assert not end_outdated(RUNNING, 30.0)
    assert cluster.done == ["drain actors", "end all actors"]


def test_actors_are_drained_although_serve_did_not_delete_the_application_in_time(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "_wait_until_ready", lambda *_: None)

    def late(name: str) -> None:
        # What Serve raises after 60 s, as while a replica's node is cut off; it is no RayError.
        raise TimeoutError(name)

    monkeypatch.setattr(serve, "delete", late)
    said: list[str] = []
    with launch._deployed(RUNNING, Stop(), said.append):
        cluster.done.clear()
    assert cluster.done == ["drain actors", "end all actors"]
    assert any("TimeoutError" in one for one in said)


@pytest.mark.parametrize(
    "answer", [GetTimeoutError("silent"), ActorDiedError()], ids=["silent", "gone"]
)
def test_no_actor_is_left_to_be_adopted_where_nobody_says_which_settings_it_has(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    def get(*_: object, **__: object) -> object:
        raise answer

    monkeypatch.setattr(ray, "get", get)
    assert not end_outdated(RUNNING, 30.0)
    assert cluster.done == ["end all actors"]


def test_actors_without_a_registry_are_ended(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> object:
        raise ValueError

    monkeypatch.setattr(ray, "get_actor", none)
    assert not end_outdated(RUNNING, 30.0)
    assert cluster.done == ["end all actors"]


def test_a_registry_that_ray_starts_again_is_waited_for(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = [ActorUnavailableError("restarting", b"x" * 16), None]
    slept: list[float] = []

    def get(value: object, **_: object) -> object:
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return value

    monkeypatch.setattr(ray, "get", get)
    monkeypatch.setattr("conversation_registry.time.sleep", slept.append)
    assert end_outdated(RUNNING, 30.0)
    assert slept
    assert cluster.done == []


def test_what_runs_goes_on_where_the_port_is_somebody_else_s(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Serve was ended, the actors were not.
    cluster.port, cluster.applications = None, {}
    monkeypatch.setattr(serving, "port_is_free", lambda *_: False)
    with pytest.raises(PortTakenError), launch._deployed(RUNNING, Stop(), lambda _: None):
        pass
    assert cluster.done == []


def test_what_runs_goes_on_where_serve_refuses_the_application(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise RuntimeError  # Serve's, for an application that cannot run

    monkeypatch.setattr("serve_app.deployed", fails)
    assert "RuntimeError" in refused(RUNNING, [])
    assert cluster.done == []
