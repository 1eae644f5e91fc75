"""Serve is told how many webhook replicas are wished for, also while it cannot start them all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ray import serve
from ray.serve._private.deployment_info import DeploymentInfo
from ray.serve.schema import ApplicationDetails, ApplicationStatus
from structlog.testing import capture_logs

from actors import ingress_target
from actors.ingress_size import IngressSize
from serve_app import APP_NAME, application, deployed
from vestlus.scaling.size import MOST_REPLICAS, parse_size
from vestlus.settings import Mode, Settings, load_settings


class Serve:
    """Keeps what it is told. With ``room`` for fewer replicas it goes on deploying."""

    def __init__(self, room: int = 4) -> None:
        self.room = room
        self.status: ApplicationStatus | None = None
        self.told: list[int] = []
        self.versions: list[str] = []
        self.refuses: Exception | None = None
        #: How the application came to be, as Ray's ``APIType`` has it.
        self.source = "imperative"
        self.asked = 0
        self._info: DeploymentInfo | None = None

    def run_many(self, targets: Any, *, wait_for_applications_running: bool) -> None:  # noqa: ANN401 - Serve's
        if self.refuses is not None:
            raise self.refuses
        (target,) = targets
        assert target.name == APP_NAME
        of = target.target._bound_deployment
        self._info = DeploymentInfo(
            of._deployment_config, of._replica_config, 0, "job", version=of.version
        )
        replicas = of.num_replicas
        self.told.append(replicas)
        self.versions.append(of.version)
        fits = replicas <= self.room
        # What Serve does without room: it waits for ever.
        assert fits or not wait_for_applications_running
        self.status = ApplicationStatus.RUNNING if fits else ApplicationStatus.DEPLOYING
        self.source = "imperative"

    def get_serve_details(self) -> dict[str, Any]:
        self.asked += 1
        assert "source" in ApplicationDetails.model_fields
        return {"applications": {APP_NAME: {"source": self.source}}}

    def overview(self) -> Any:  # noqa: ANN401 - Serve's
        there = {} if self.status is None else {APP_NAME: SimpleNamespace(status=self.status)}
        return SimpleNamespace(applications=there)

    def get_deployment_info(self, name: str, app: str) -> tuple[DeploymentInfo, str]:
        assert (name, app) == ("Webhook", APP_NAME)
        assert self._info is not None
        return self._info, "/"


@pytest.fixture
def settings() -> Settings:
    return load_settings({"VESTLUS_WEBHOOK_REPLICAS": "2"}, mode=Mode.OPERATE)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Serve:
    """Serve with the application as whoever starts the service deploys it."""
    fake = Serve()
    monkeypatch.setattr(serve, "run_many", fake.run_many)
    monkeypatch.setattr(serve, "status", fake.overview)
    monkeypatch.setattr(ingress_target, "_get_global_client", lambda: fake)
    deployed(application(settings, "c1"))
    return fake


def follow(ingress: IngressSize, size: str) -> int:
    """One look, until Serve has been told if it has to be."""
    wished = ingress.follow(parse_size(size), 2)
    if ingress._telling is not None:
        ingress._telling.join(10)
        assert not ingress._telling.is_alive()
    return wished


def test_what_was_deployed_is_not_deployed_again(there: Serve, settings: Settings) -> None:
    assert follow(IngressSize(settings), "2") == 2
    assert there.told == [2]


def test_a_wish_for_more_than_there_is_room_for_is_mended_by_a_smaller_one(
    there: Serve, settings: Settings
) -> None:
    ingress = IngressSize(settings)
    assert follow(ingress, "32") == 32
    assert there.status is ApplicationStatus.DEPLOYING
    assert follow(ingress, "3") == 3
    assert there.told == [2, 32, 3]


def test_so_does_a_registry_that_was_restarted_meanwhile(there: Serve, settings: Settings) -> None:
    follow(IngressSize(settings), "32")
    follow(IngressSize(settings), "3")
    assert there.told == [2, 32, 3]


@pytest.mark.parametrize("status", [ApplicationStatus.UNHEALTHY, ApplicationStatus.DEPLOY_FAILED])
def test_an_application_that_fares_badly_is_told_too(
    there: Serve, settings: Settings, status: ApplicationStatus
) -> None:
    there.status = status
    follow(IngressSize(settings), "3")
    assert there.told == [2, 3]


@pytest.mark.parametrize("status", [None, ApplicationStatus.DEPLOYING, ApplicationStatus.DELETING])
def test_while_it_is_started_or_ended_nobody_interferes_and_later_it_is_told(
    there: Serve, settings: Settings, status: ApplicationStatus | None
) -> None:
    ingress = IngressSize(settings)
    there.status = status
    follow(ingress, "3")
    assert there.told == [2]
    there.status = ApplicationStatus.RUNNING
    follow(ingress, "3")
    assert there.told == [2, 3]


def test_what_serve_refuses_is_told_again(there: Serve, settings: Settings) -> None:
    ingress = IngressSize(settings)
    there.refuses = RuntimeError("Deploying application vestlus failed")
    follow(ingress, "3")
    there.refuses = None
    follow(ingress, "3")
    assert there.told == [2, 3]


def test_a_wish_that_is_taken_back_while_the_registry_is_away_does_not_stay_in_serve(
    there: Serve, settings: Settings
) -> None:
    follow(IngressSize(settings), "4")
    again = IngressSize(settings)
    again.ask()
    follow(again, "2")
    assert there.told == [2, 4, 2]


def test_a_registry_that_asks_and_finds_the_size_there_deploys_nothing(
    there: Serve, settings: Settings
) -> None:
    follow(IngressSize(settings), "auto:1-3")
    again = IngressSize(settings)
    again.ask()
    follow(again, "auto:1-3")
    follow(again, "auto:1-3")
    assert len(there.told) == 2


def test_replicas_of_whatever_was_deployed_keep_their_version(
    there: Serve, settings: Settings
) -> None:
    deployed(application(settings, "c2", version="another"))
    follow(IngressSize(settings), "3")
    assert there.versions == ["c1", "another", "another"]


def test_no_more_replicas_are_wished_for_than_are_ever_started(
    there: Serve, settings: Settings
) -> None:
    there.room = MOST_REPLICAS
    assert follow(IngressSize(settings), "200") == MOST_REPLICAS
    assert there.told == [2, MOST_REPLICAS]


def test_what_a_configuration_declares_is_left_alone_and_said_once(
    there: Serve, settings: Settings
) -> None:
    there.source = "declarative"
    ingress = IngressSize(settings)
    with capture_logs() as lines:
        follow(ingress, "4")
        assert [follow(ingress, "4") for _ in range(3)] == [2, 2, 2]
    assert (there.told, there.source, there.asked) == ([2], "declarative", 1)
    assert ingress.declared
    assert lines == [
        {
            "event": "ingress_not_resized",
            "log_level": "warning",
            "reason": "declarative",
            "size": "4",
        }
    ]


def test_a_registry_that_asks_leaves_it_alone_too_and_says_nothing_of_the_size_that_is_there(
    there: Serve, settings: Settings
) -> None:
    there.source = "declarative"
    again = IngressSize(settings)
    again.ask()
    with capture_logs() as lines:
        follow(again, "2")
        assert not lines
        follow(again, "3")
        follow(again, "4")
    assert [line["size"] for line in lines] == ["3", "4"]
    assert there.told == [2]


def test_what_was_wished_is_told_again_when_the_application_was_deployed_again(
    there: Serve, settings: Settings
) -> None:
    ingress = IngressSize(settings)
    assert follow(ingress, "4") == 4
    deployed(application(settings, "c2"))
    assert there.told == [2, 4, 2]
    ingress.ask()
    follow(ingress, "4")
    assert there.told == [2, 4, 2, 4]
