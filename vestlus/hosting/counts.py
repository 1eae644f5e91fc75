"""What a host has, and what happened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostCounts:
    """What this host has, and what happened since it started."""

    partitions: int
    conversations: int
    in_flight: int
    #: Conversations that wait for a place among those.
    waiting: int
    thinking: int
    recorded: int
    answered: int
    restarted: int
    conflicts: int
    failed: int
    given_up: int
    suspects: int
    handed_over: int
    apologised: int
    #: Turns of users who had used up what their account allows them.
    limited: int
    erased: int
    summarised: int
    #: Echoes by whose they were; unmatched ones are ours, told by their time alone.
    echoes_ours: int
    echoes_persons: int
    echoes_unmatched: int
