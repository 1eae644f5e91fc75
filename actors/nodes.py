"""The cluster's nodes, as Ray tells them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ray


def live_nodes() -> list[dict[str, Any]]:
    """Those that are alive, each with its ``NodeID`` and its ``Resources``. Blocks until the head
    answers.
    """
    nodes: Callable[[], list[dict[str, Any]]] = ray.nodes
    return [one for one in nodes() if one["Alive"]]
