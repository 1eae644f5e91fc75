"""Whether pods are confined, and run images that are the same tomorrow."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import ray

from tests.deploying.findings import Finding
from tests.deploying.names import walked
from tests.deploying.objects import Objects, Pods, named, of_kind, pods

#: The paths that anybody may reach.
PUBLIC: Final = frozenset({"/webhook", "/media", "/events", "/data-deletion", "/deauthorize"})

#: What every container says of itself.
_WANTED: Final = {
    "runAsNonRoot": True,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
}

#: What nothing says, wherever it stands, in what an operator is told too.
_REFUSED: Final[Mapping[str, tuple[object, ...]]] = {
    "privileged": (True,),
    "runAsUser": (0,),
    "runAsGroup": (0,),
    "hostPID": (True,),
    "hostIPC": (True,),
    "hostNetwork": (True,),
}


def project_version(root: Path) -> str:
    """That of pyproject.toml."""
    table = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    return str(table["project"]["version"])


def image_problem(image: str, version: str) -> str | None:
    """What is wrong with the name of an image."""
    name, _, tag = image.rpartition(":") if ":" in image.rsplit("/", 1)[-1] else (image, "", "")
    if "@sha256" in image:
        return None
    if not tag or tag == "latest":
        return f"{image} is another image tomorrow: name a version"
    if name.rsplit("/", 1)[-1] == "vestlus" and tag != version:
        return f"{image} is not the version {version} of pyproject.toml"
    return None


def check(objects: Objects, version: str) -> Iterator[Finding]:
    """All of that. ``version`` is the project's."""
    for one in of_kind(objects, "RabbitmqCluster"):
        if problem := image_problem(str(one["spec"].get("image", "")), version):
            yield Finding("image", named(one), problem)
    for some in pods(objects):
        if some.containers:
            yield from _pod(some, version)
    for one in of_kind(objects, "RayService"):
        cluster = one["spec"]["rayClusterConfig"]
        said = cluster.get("rayVersion")
        if said != ray.__version__:
            yield Finding("ray", named(one), f"rayVersion {said}, and locked is {ray.__version__}")
        # KubeRay adds the autoscaler as a container of the head's pod.
        person = cluster["headGroupSpec"]["template"]["spec"].get("securityContext") or {}
        own = (cluster.get("autoscalerOptions") or {}).get("securityContext") or {}
        yield from _confined(f"{named(one)}, autoscaler", {**person, **own})
    for one in objects:
        for way, value in walked(one):
            if way and _refused(way, value):
                what = f"has more rights than it needs: {way[-1]} {value}"
                yield Finding("root", named(one), what)


def _refused(way: tuple[str, ...], value: object) -> bool:
    if way[-2:] == ("capabilities", "add"):
        return bool(value)
    # A number is no bool here, though Python says that 0 is False.
    return way[-1] == "hostPath" or any(
        value == one and type(value) is type(one) for one in _REFUSED.get(way[-1], ())
    )


def _pod(one: Pods, version: str) -> Iterator[Finding]:
    spec = one.spec or {}
    if one.ours and spec.get("enableServiceLinks") is not False:
        what = "services' addresses get into the environment as VESTLUS_…, which are no settings"
        yield Finding("links", one.owner, what)
    person = spec.get("securityContext") or {}
    for container in [*one.containers, *(spec.get("initContainers") or [])]:
        if problem := image_problem(container.get("image", ""), version):
            yield Finding("image", one.owner, problem)
        yield from _confined(one.owner, {**person, **(container.get("securityContext") or {})})
        resources = container.get("resources") or {}
        for name in ("cpu", "memory"):
            if name not in (resources.get("requests") or {}):
                yield Finding("resources", one.owner, f"requests no {name}")
        if "memory" not in (resources.get("limits") or {}):
            yield Finding("resources", one.owner, "has no limit of memory")


def _confined(where: str, context: Mapping[str, Any]) -> Iterator[Finding]:
    for name, value in _WANTED.items():
        if context.get(name) is not value:
            yield Finding("root", where, f"{name} is not {str(value).lower()}")
    if "ALL" not in ((context.get("capabilities") or {}).get("drop") or []):
        yield Finding("root", where, "keeps capabilities: drop ALL")
    if (context.get("seccompProfile") or {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield Finding("root", where, "may call everything that the kernel has: seccompProfile")
