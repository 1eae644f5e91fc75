"""A Ray cluster that starts as a head, and to which Ray's autoscaler adds nodes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.nodes.lan import OneAddress
from tests.nodes.ray_nodes import HEAD, RayNodes, kill_family

#: As the provider of Ray's tests names the head, which it finds among the nodes by this.
HEAD_ID = "f" * 51 + "00000"
_HEAD_TYPE = "ray.head.default"
#: Ray's name for it, ``fake_multinode``, wants a file that is not in Ray's package.
_PROVIDER = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Room:
    """What there is, and what may come."""

    head_cpus: int
    node_cpus: int
    most_nodes: int
    #: How long a node has nothing to do before it is taken away.
    idle_seconds: float


def configuration(room: Room, address: str) -> dict[str, Any]:
    """What the autoscaler is told: one kind of node, none at first; ``address`` is the head's."""
    commands = ("initialization", "setup", "head_setup", "worker_setup")
    starts = ("head_start_ray", "worker_start_ray")
    return {
        "cluster_name": "vestlus",
        "max_workers": room.most_nodes,
        # As KubeRay's upscalingMode Conservative says.
        "upscaling_speed": 1,
        "idle_timeout_minutes": room.idle_seconds / 60,
        "provider": {
            "type": "external",
            "module": _PROVIDER,
            "disable_node_updaters": True,
            "launch_multiple": True,
            "head_node_id": HEAD_ID,
            "gcs_address": address,
        },
        "auth": {},
        "head_node_type": _HEAD_TYPE,
        "available_node_types": {
            _HEAD_TYPE: {
                "resources": {"CPU": room.head_cpus},
                "node_config": {},
                "max_workers": 0,
            },
            "worker": {
                "resources": {"CPU": room.node_cpus, "object_store_memory": 80 * _MEGABYTE},
                "node_config": {},
                "min_workers": 0,
                "max_workers": room.most_nodes,
            },
        },
        "file_mounts": {},
        "cluster_synced_files": [],
        **{f"{name}_commands": [] for name in (*commands, *starts)},
    }


class AutoscalingNodes(RayNodes):
    """The head of such a cluster, and what its autoscaler starts: processes of this machine, below
    the head's. Leaving ends all.
    """

    #: As Ray's own tests start such a head; the autoscaler is the one that KubeRay runs.
    head_settings = MappingProxyType(
        {
            "RAY_enable_autoscaler_v2": "1",
            "RAY_FAKE_CLUSTER": "1",
            "RAY_CLOUD_INSTANCE_ID": HEAD_ID,
            "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD_ID,
        }
    )

    def __init__(self, folder: Path, room: Room) -> None:
        super().__init__(folder, OneAddress(), haproxy=False, head_cpus=room.head_cpus)
        told = folder / "autoscaling.json"
        told.write_text(json.dumps(configuration(room, self.address)), "utf-8")
        self.head_words = (*self.head_words, f"--autoscaling-config={told}")

    def lose(self, ray_id: str) -> int:
        """``kill -9`` of a node that the autoscaler added; returns how many processes it had."""
        (raylet,) = self.nodes[HEAD].processes(f"--node_id={ray_id}")
        return kill_family(raylet.pid, ray_id)
