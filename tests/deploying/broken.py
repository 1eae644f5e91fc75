"""Ways in which a deployment can be broken, and the rule by which each is found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

Tree = list[dict[str, Any]]

HTTP: Final = "vestlus-http"


@dataclass(frozen=True, slots=True)
class Case:
    """How an overlay's objects are broken, and the rule that finds it."""

    rule: str
    change: Callable[[Tree], Any]
    #: The only overlay that has what is broken.
    only: str | None = None


def one(tree: Tree, kind: str, name: str = "vestlus") -> Any:  # noqa: ANN401 - of any shape
    (found,) = (x for x in tree if x["kind"] == kind and x["metadata"]["name"] == name)
    return found


def ray(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "RayService")["spec"]["rayClusterConfig"]


def head(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return ray(tree)["headGroupSpec"]["template"]["spec"]


def group(tree: Tree, at: int = 0) -> Any:  # noqa: ANN401 - of any shape
    return ray(tree)["workerGroupSpecs"][at]


def pod(tree: Tree, at: int = 0) -> Any:  # noqa: ANN401 - of any shape
    return group(tree, at)["template"]["spec"]


def container(tree: Tree, at: int = 0) -> Any:  # noqa: ANN401 - of any shape
    return pod(tree, at)["containers"][0]


def settings(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "ConfigMap", "vestlus-settings")["data"]


def policy(tree: Tree, name: str) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "NetworkPolicy", name)["spec"]


def broker(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "RabbitmqCluster", "vestlus-rabbitmq")["spec"]


def database(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "Cluster", "vestlus-postgres")["spec"]


def pooler(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "Pooler", "vestlus-pooler")["spec"]


def options(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return ray(tree)["gcsFaultToleranceOptions"]


def public(tree: Tree) -> Any:  # noqa: ANN401 - of any shape
    return one(tree, "Ingress", "vestlus-public")


def without(tree: Tree, kind: str, name: str) -> None:
    """Takes an object away."""
    tree.remove(one(tree, kind, name))


def gone(kind: str, name: str = "vestlus") -> Callable[[Tree], None]:
    """What takes an object away."""
    return lambda tree: without(tree, kind, name)


def unmounted(name: str) -> Callable[[Tree], None]:
    """What takes a volume out of the first group's container."""

    def take(tree: Tree) -> None:
        mounts = container(tree)["volumeMounts"]
        kept = [one for one in mounts if one["name"] != name]
        assert kept != mounts
        container(tree).update(volumeMounts=kept)

    return take


def variable(tree: Tree, name: str, old: str, new: str) -> None:
    """Changes a part of a variable of the first group."""
    (found,) = (each for each in container(tree)["env"] if each["name"] == name)
    assert old in found["value"]
    found["value"] = found["value"].replace(old, new)


def serve_config(tree: Tree, old: str, new: str) -> None:
    """Changes a part of what Serve is told."""
    spec = one(tree, "RayService")["spec"]
    assert old in spec["serveConfigV2"]
    spec["serveConfigV2"] = spec["serveConfigV2"].replace(old, new)
