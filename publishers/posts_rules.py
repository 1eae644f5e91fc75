"""The numbers that publishing goes by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRules:
    """How posts are published and looked for. Times are in seconds."""

    #: Meta, "Content publishing": a container is asked for once a minute, for five minutes at
    #: most. The first time sooner, since pictures are mostly ready when they have been fetched.
    first_status_seconds: float = 3.0
    status_seconds: float = 60.0
    status_limit_seconds: float = 300.0
    #: Containers end after 24 hours; an hour before that they are not relied on any more.
    container_life_seconds: float = 23 * 3600.0
    #: Sets of containers that are made for one post before it is given up.
    rounds: int = 4

    #: How long after we gave up an ambiguous publish its container counts as not published.
    settling_seconds: float = 60.0
    #: How often a post is published again after an attempt whose failure was only concluded.
    resends: int = 1
    #: How far our clock and Meta's may differ.
    clock_tolerance_seconds: float = 5.0
    #: Until the first look at an ambiguous publish, and between later ones.
    first_look_seconds: float = 2.0
    look_seconds: float = 60.0
    #: Between looks for the id of a post that is out.
    look_for_id_seconds: float = 5.0
    #: Looks that have told nothing for so long end as unknown: the container is gone by then.
    look_give_up_seconds: float = 23 * 3600.0

    #: Tries that ended as "not done" before a post is given up.
    tries: int = 8
    #: Tries of a picture that Instagram could not fetch: our server may be down for a moment.
    fetch_tries: int = 3
    #: First wait after such a try; doubles up to the longest.
    retry_seconds: float = 15.0
    longest_retry_seconds: float = 900.0
    #: Until a post is tried again whose request reached nobody.
    unreachable_seconds: float = 15.0
    #: Until an account whose token was rejected is tried again, and one that Meta stopped.
    token_probe_seconds: float = 60.0
    stop_probe_seconds: float = 3600.0

    #: How long a reading of the account's quota counts.
    quota_seconds: float = 60.0
    #: Until posts that the quota has no room for are looked at again: it slides.
    quota_wait_seconds: float = 600.0

    #: Between two readings of what is due.
    poll_seconds: float = 2.0
    #: Until a post is looked at again that could not be begun: too little of the lease was left.
    not_begun_seconds: float = 1.0
    #: How long a request waits for its turn in the account's budget.
    turn_seconds: float = 5.0
    #: Until an account's posts are looked at again after a defect of ours.
    defect_seconds: float = 60.0
    #: Posts read at a time.
    page: int = 100
    #: So often and so long a post waits, before each request, while messages of its account wait.
    patience_looks: int = 20
    patience_look_seconds: float = 0.25
