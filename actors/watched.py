"""An actor as the registry sees it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ray.actor import ActorHandle

from vestlus.scaling.busyness import Busyness
from vestlus.store.rows import MemberKind

#: An actor that is starting may take this long, and twice as long each time it did not make it:
#: a machine that is too slow must not be made to start the same actor again for ever.
START_SECONDS = 30.0

#: Nothing moves to some of the actors that are started together while the others have not joined
#: yet, for so long: it would move twice. An actor takes 3 to 5 s to start on a quiet machine.
JOINING_SECONDS = 15.0

#: An actor that waits for a node so long, and was started for a certain one, is started anew for
#: none: Ray's autoscaler does not see it otherwise. Longer than an actor takes to start, which may
#: seem to wait meanwhile.
UNSEEN_SECONDS = 15.0


@dataclass(slots=True)
class Watched:
    """An actor as the registry sees it."""

    kind: MemberKind
    handle: ActorHandle[Any]
    #: It answered since it was last seen to start.
    answering: bool
    since: float
    last: Mapping[str, Any]
    start_seconds: float = START_SECONDS
    #: There is no room for it in the cluster.
    waiting: bool = False
    waits_since: float = 0.0
    #: When it was started by us or adopted; if it had to wait for room, when it had some.
    born: float = field(default_factory=time.monotonic)
    busyness: Busyness = field(default_factory=Busyness)

    @property
    def starting(self) -> bool:
        """Whether it is about to join those that serve."""
        young = time.monotonic() - self.born < JOINING_SECONDS
        return young and not self.waiting and "leases" not in self.last

    @property
    def ready(self) -> bool:
        """Whether it serves something."""
        return self.answering and bool(self.last.get("leases"))

    def wait_for_room(self, *, waiting: bool, now: float) -> bool:
        """Notes whether it waits for room in the cluster; returns whether that is news. The times
        that it has to start, and to join the others, begin when it has room. ``now`` is monotonic.
        """
        news, self.waiting = waiting != self.waiting, waiting
        if news and waiting:
            self.waits_since = now
        if waiting:
            self.since = now
        elif news:
            self.born = now
        return news

    def waits_long(self, now: float) -> bool:
        """Whether it has waited so long for room that it should be started for no certain node."""
        return self.waiting and now - self.waits_since > UNSEEN_SECONDS
