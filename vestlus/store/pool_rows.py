"""Rows about the sizes of pools."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: A registry tells every two seconds or so. What is older is of a service that has ended.
FRESH_SECONDS: Final = 20.0


class Pool(StrEnum):
    """What can be resized."""

    CONVERSATION = "conversation"
    PUBLISHER = "publisher"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class PoolWish:
    """How large a person wishes a pool to be, as it is written: ``4``, ``auto``, ``auto:1-8``."""

    pool: Pool
    size: str
    #: What the settings of the registries say that have followed it, apart by spaces; empty until
    #: one has.
    configured: str = ""
    #: When it was written, by the database's clock: tells it from the same wish said again.
    wished_ms: int = 0

    @property
    def settings(self) -> frozenset[str]:
        """The settings under which it was followed."""
        return frozenset(self.configured.split())


@dataclass(frozen=True, slots=True)
class PoolState:
    """What the registry of a cluster makes of a pool."""

    cluster: str
    pool: Pool
    #: As the settings of that cluster say.
    configured: str
    #: What is followed: the settings' size or a person's.
    followed: str
    #: The number that follows from it, at this moment.
    wished: int
    #: Processes that there are; of these, those that serve.
    running: int
    ready: int
    #: For which the cluster has no room: they wait for a node.
    pending: int
    #: How busy those are that serve, and how long the oldest of what waits for them has waited.
    busy_percent: int = 0
    backlog_ms: int = 0
    #: Why the load called for that number, where it decides; of webhook replicas, whose load Serve
    #: sees to, why a wish is not followed.
    reason: str = ""
