"""Ray's own files: ``cluster.yaml`` of the cluster launcher, and what a RayService gives Serve."""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final

import jsonschema
import pydantic
import ray.autoscaler
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.serve.schema import ServeDeploySchema

from serve_app import APP_NAME
from tests.deploying.findings import Finding
from tests.deploying.head import check_starts
from tests.deploying.objects import Objects, named, of_kind

#: What the start of each node must have in its environment.
_FLAGS: Final = (
    "RAY_AUTH_MODE=token",
    "RAY_SERVE_ENABLE_HA_PROXY=1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED=1",
    "RAY_USAGE_STATS_ENABLED=0",
)

_ROLES: Final = frozenset({"vestlus_webhook", "vestlus_conversation", "vestlus_publisher"})

_FILE: Final = "cluster.yaml"

#: Images that come with rsync: of Ubuntu, `server` has all of ubuntu-standard, `minimal` has not.
_WITH_RSYNC: Final = frozenset({("Canonical", "ubuntu-24_04-lts", "server")})


def check_cluster(root: Path) -> Iterator[Finding]:
    """The launcher's file, by Ray's loader and schema, and by what it must not open."""
    try:
        config = yaml.safe_load((root / _FILE).read_text("utf-8"))
        # They print advice about docker, which is not used.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            prepared = prepare_config(copy.deepcopy(config))
            validate_config(prepared)
    except (yaml.YAMLError, jsonschema.ValidationError, ValueError, RuntimeError) as error:
        yield Finding("cluster", _FILE, str(error)[:300])
        return
    except (KeyError, TypeError, AttributeError) as error:
        yield Finding("cluster", _FILE, f"Ray's loader fails with {error!r}")
        return
    yield from _network(prepared["provider"])
    yield from _machines(prepared)
    yield from _commands(prepared)
    yield from check_starts(root, prepared)
    for target, source in prepared["file_mounts"].items():
        if not source.startswith("~") and not (root / source).exists():
            yield Finding("cluster", _FILE, f"{target}: there is no {source}")


def _network(provider: Mapping[str, Any]) -> Iterator[Finding]:
    if provider.get("use_internal_ips") is not True or provider.get("use_external_head_ip"):
        yield Finding("public", _FILE, "machines get addresses that others reach: use_internal_ips")
    # config.py and node_provider.py in ray/autoscaler/_private/_azure: `_is_shared_msi`, and what
    # `ray down` takes from an identity, which it looks for in the launcher's group.
    group = provider.get("msi_resource_group")
    if not provider.get("msi_name") or group in (None, provider["resource_group"]):
        yield Finding("identity", _FILE, "the machines' identity would be the launcher's to delete")


def _machines(prepared: Mapping[str, Any]) -> Iterator[Finding]:
    """Parameters that the virtual machines' template has; bounds; a place for every role."""
    folder = Path(ray.autoscaler.__file__).parent / "_private/_azure"
    template = json.loads((folder / "azure-vm-template.json").read_text("utf-8"))
    known = {*template["parameters"], "availability_zone"}
    offered: set[str] = set()
    for name, kind in prepared["available_node_types"].items():
        given = kind["node_config"]["azure_arm_parameters"]
        for word in sorted(set(given) - known):
            yield Finding("cluster", _FILE, f"{name}: Azure's template has no {word}")
        if given.get("provisionPublicIp"):
            yield Finding("public", _FILE, f"{name}: gets a public address")
        image = tuple(given.get(f"image{word}") for word in ("Publisher", "Offer", "Sku"))
        if "imageId" not in given and image not in _WITH_RSYNC:
            yield Finding(
                "image", _FILE, f"{name}: is rsync in it? It is needed before any command"
            )
        if given.get("imageVersion") == "latest":
            yield Finding("image", _FILE, f"{name}: another image tomorrow: name a version")
        if not given.get("osDiskSize"):
            yield Finding("cluster", _FILE, f"{name}: says no size of its disk")
        if kind.get("min_workers", 0) > kind.get("max_workers", 0):
            yield Finding("cluster", _FILE, f"{name}: min_workers is more than max_workers")
        if kind.get("max_workers", 0) > 0:
            offered |= set(kind["resources"])
    for role in sorted(_ROLES - offered):
        yield Finding("cluster", _FILE, f"no kind of worker offers {role}: its actors would wait")


def _commands(prepared: Mapping[str, Any]) -> Iterator[Finding]:
    for name in ("head_start_ray_commands", "worker_start_ray_commands"):
        starts = [one for one in prepared[name] if "ray start" in one]
        if len(starts) != 1:
            yield Finding("cluster", _FILE, f"{name}: starts Ray {len(starts)} times")
        for start in starts:
            for flag in _FLAGS:
                if not re.search(rf"(^|\s){re.escape(flag)}(\s|;|$)", start):
                    yield Finding("ingress", _FILE, f"{name}: lacks {flag}")
            if "--head" in start and "--dashboard-host=127.0.0.1" not in start:
                yield Finding("public", _FILE, f"{name}: the dashboard is not on 127.0.0.1")
            if "--head" in start and "--autoscaling-config" not in start:
                yield Finding("cluster", _FILE, f"{name}: without the autoscaler")
    setup = " ".join(prepared["head_setup_commands"] + prepared["worker_setup_commands"])
    for command in re.findall(r"pip install[^&;]*", setup):
        if "--require-hashes" not in command:
            yield Finding("lock", _FILE, f"not from the lock: {command[:60]}")


def check_serve(objects: Objects) -> Iterator[Finding]:
    """What Serve is told, by its own schema, and that it is our application on our port."""
    for one in of_kind(objects, "RayService"):
        try:
            given = yaml.safe_load(one["spec"]["serveConfigV2"])
            config = ServeDeploySchema.model_validate(given)
        except (yaml.YAMLError, pydantic.ValidationError) as error:
            yield Finding("serve", named(one), str(error)[:300])
            continue
        told = {app.name: app for app in config.applications}
        if set(told) != {APP_NAME} or told[APP_NAME].import_path != "serve_app:app":
            yield Finding("serve", named(one), f"is not the application {APP_NAME}, serve_app:app")
        group = one["spec"]["rayClusterConfig"]["workerGroupSpecs"]
        ports = {
            port["containerPort"]
            for some in group
            for container in some["template"]["spec"]["containers"]
            for port in container.get("ports") or []
            if port["name"] == "serve"
        }
        if ports != {config.http_options.port}:
            yield Finding("port", named(one), f"Serve listens on {config.http_options.port}")
        yield from _groups(named(one), group)


def _groups(where: str, groups: list[dict[str, Any]]) -> Iterator[Finding]:
    offered: set[str] = set()
    for group in groups:
        least, now, most = group["minReplicas"], group["replicas"], group["maxReplicas"]
        if not least <= now <= most:
            yield Finding("cluster", where, f"{group['groupName']}: {least} ≤ {now} ≤ {most} fails")
        # KubeRay hands it on as a word of a shell.
        words = str(group["rayStartParams"].get("resources", "'{}'"))[1:-1].replace('\\"', '"')
        try:
            offered |= set(json.loads(words))
        except ValueError:
            yield Finding("cluster", where, f"{group['groupName']}: resources is no JSON: {words}")
    for role in sorted(_ROLES - offered):
        yield Finding("cluster", where, f"no group offers {role}: its actors would wait")
