"""``cluster.yaml`` of Ray's cluster launcher."""

from __future__ import annotations

import functools
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final

import jsonschema
import ray.autoscaler
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.deploying.findings import Finding
from tests.deploying.head import check_starts
from tests.deploying.rays_names import unknown
from tests.deploying.rays_options import refused
from tests.deploying.serving import ROLES

#: What the start of each node must have in its environment.
_FLAGS: Final = (
    "RAY_AUTH_MODE=token",
    "RAY_SERVE_ENABLE_HA_PROXY=1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED=1",
    "RAY_SERVE_LOG_TO_STDERR=1",
    "RAY_USAGE_STATS_ENABLED=0",
)

_FILE: Final = "cluster.yaml"

#: Images that come with rsync: of Ubuntu, `server` has all of ubuntu-standard, `minimal` has not.
_WITH_RSYNC: Final = frozenset({("Canonical", "ubuntu-24_04-lts", "server")})


def check_cluster(root: Path) -> Iterator[Finding]:
    """The launcher's file, by Ray's loader and schema, and by what it must not open."""
    prepared = _prepared((root / _FILE).read_text("utf-8"))
    if isinstance(prepared, Finding):
        yield prepared
        return
    yield from _network(prepared["provider"])
    yield from _machines(prepared)
    yield from _commands(prepared)
    yield from _together(prepared)
    yield from check_starts(root, prepared)
    for target, source in prepared["file_mounts"].items():
        if not source.startswith("~") and not (root / source).exists():
            yield Finding("cluster", _FILE, f"{target}: there is no {source}")


@functools.lru_cache(maxsize=4)
def _prepared(text: str) -> dict[str, Any] | Finding:
    """As Ray makes it of the file, kept; or why it does not."""
    try:
        # They print advice about docker, which is not used.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            prepared: dict[str, Any] = prepare_config(yaml.safe_load(text))
            validate_config(prepared)
    except (yaml.YAMLError, jsonschema.ValidationError, ValueError, RuntimeError) as error:
        return Finding("cluster", _FILE, str(error)[:300])
    except (KeyError, TypeError, AttributeError) as error:
        return Finding("cluster", _FILE, f"Ray's loader fails with {error!r}")
    return prepared


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
    for role in sorted(ROLES - offered):
        yield Finding("cluster", _FILE, f"no kind of worker offers {role}: its actors would wait")


def _together(prepared: Mapping[str, Any]) -> Iterator[Finding]:
    """That nodes find the head, that all know the token, and that the head keeps what it knows."""
    head, worker = (
        "\n".join(prepared[f"{kind}_start_ray_commands"]) + "\n" for kind in ("head", "worker")
    )
    port = _option(head, "port")
    address = _option(worker, "address") or ""
    if port is None or address.rpartition(":")[2] != port:
        what = f"workers look for the head at {address}, and it listens on {port}"
        yield Finding("cluster", _FILE, what)
    kept = re.search(r"\bRAY_gcs_storage=rocksdb\s", head)
    place = re.search(r"\bRAY_gcs_storage_path=([^\s;\"']+)", head)
    if not kept or place is None or place[1].startswith(("/tmp", "/run", "/dev")):  # noqa: S108
        yield Finding("cluster", _FILE, "the head keeps nothing of what it knows over its restart")
    tokens = [one for one in prepared["file_mounts"] if one.endswith("/.ray/auth_token")]
    if not tokens and "RAY_AUTH_TOKEN" not in head:
        yield Finding("cluster", _FILE, "nodes do not know the token that they ask each other for")
    for text in (head, worker):
        yield from unknown(_FILE, re.findall(r"\b(RAY_\w+)=", text))


def _option(text: str, name: str) -> str | None:
    """What ``ray start`` is told by an option."""
    found = re.search(rf"\bray start\b[^\n;]*?--{name}[= ]([^\s;\"']+)", text)
    return found[1] if found else None


def _words(command: str) -> list[str]:
    """What ``ray start`` is told, to the end of its part of a command."""
    (_, told, *_) = re.split(r"\bray start\b", command)
    return re.split(r"[;&|)>\n]", told)[0].split()


def _commands(prepared: Mapping[str, Any]) -> Iterator[Finding]:
    for name in ("head_start_ray_commands", "worker_start_ray_commands"):
        starts = [one for one in prepared[name] if "ray start" in one]
        if len(starts) != 1:
            yield Finding("cluster", _FILE, f"{name}: starts Ray {len(starts)} times")
        for start in starts:
            yield from refused(f"{_FILE}, {name}", _words(start))
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
