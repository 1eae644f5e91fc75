"""Whether probes ask what is answered, and end or leave out a pod only when that helps."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, Final

from starlette.routing import Match

from tests.deploying.ends import entrances
from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, Pods, pods
from vestlus.settings import Mode, load_settings
from vestlus.web import Front

#: What Ray answers without a token: ``http_server_agent.py`` and ``_head.py`` in ray/dashboard.
_RAYS: Final = {
    52365: {"/api/healthz", "/api/local_raylet_healthz"},
    8265: {"/api/healthz", "/api/gcs_healthz", "/api/local_raylet_healthz"},
}

#: What says that a process is there, whatever the store and the broker do.
_OWN: Final = "/healthz"

#: For how long a node of Ray may be silent before it is ended: longer than it waits for a head that
#: is started anew and than a full machine holds it up.
_PATIENCE_S: Final = 60


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each that does not."""
    entered = {some.owner for _, some, _ in entrances(objects)}
    for one in pods(objects):
        for container in one.containers if one.lasting else ():
            live, ready = container.get("livenessProbe"), container.get("readinessProbe")
            for name, probe in (("livenessProbe", live), ("readinessProbe", ready)):
                if probe is None:
                    yield Finding("probe", one.owner, f"has no {name}")
                else:
                    yield from _asked(one, name, probe)
            if one.ours and live is not None:
                yield from _patient(one, live)
            if one.owner in entered and ready is not None:
                yield from _through(one, ready)


def _asked(one: Pods, name: str, probe: Mapping[str, Any]) -> Iterator[Finding]:
    asked = probe.get("httpGet") or probe.get("tcpSocket") or {}
    port = one.port(asked.get("port"))
    if one.ours and "path" not in asked:
        yield Finding("probe", one.owner, f"{name}: asks nothing by HTTP")
    elif asked and port is None:
        yield Finding("probe", one.owner, f"{name}: there is no port {asked['port']}")
    elif (
        one.ours
        and asked["path"] not in _RAYS.get(port or 0, set())
        and not (port == one.ports.get("serve") and answered(asked["path"]))
    ):
        yield Finding("probe", one.owner, f"{name}: nobody answers {asked['path']} on {port}")


def _patient(one: Pods, probe: Mapping[str, Any]) -> Iterator[Finding]:
    asked = probe.get("httpGet") or {}
    if one.port(asked.get("port")) not in _RAYS:
        what = "livenessProbe: a pod is ended for what others do: ask Ray's own health"
        yield Finding("probe", one.owner, what)
    if probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3) < _PATIENCE_S:
        yield Finding("probe", one.owner, f"livenessProbe: ends a pod within {_PATIENCE_S} s")


def _through(one: Pods, probe: Mapping[str, Any]) -> Iterator[Finding]:
    """Ready are pods where requests come through, and they stay so without store and broker."""
    asked = probe.get("httpGet") or {}
    if one.port(asked.get("port")) != one.ports.get("serve") or asked.get("path") != _OWN:
        what = f"readinessProbe: does not say whether requests come through: {_OWN} by Serve"
        yield Finding("probe", one.owner, what)


@functools.cache
def answered(path: str) -> bool:
    """Whether the application has a route for it, those apart that come before Starlette's."""
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "root_path": ""}
    routes = _front()._rest.routes
    return path == "/webhook" or any(one.matches(scope)[0] is Match.FULL for one in routes)


@functools.cache
def _front() -> Front:
    return Front(load_settings({}, mode=Mode.OPERATE))
