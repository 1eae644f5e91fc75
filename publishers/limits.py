"""The limits of one account, as its settings say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publishers.bucket import Limit
from publishers.quota import Quota
from publishers.rate import CallKind
from vestlus.settings_account import CallLimits

HOUR_SECONDS = 3600.0
DAY_SECONDS = 24 * HOUR_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """What Meta allows one account."""

    calls: Mapping[CallKind, Limit]
    posts: Quota
    containers: Quota
    private_replies: Quota


def account_limits(limits: CallLimits) -> AccountLimits:
    """Makes an account's limits of its settings."""
    return AccountLimits(
        calls={
            CallKind.TEXT: Limit.at_the_wire(limits.messages_per_second),
            CallKind.PICTURES: Limit.at_the_wire(limits.pictures_per_second),
            CallKind.ACTION: Limit.at_the_wire(limits.actions_per_second),
            CallKind.UPLOAD: Limit.at_the_wire(limits.uploads_per_second),
            CallKind.LOOK: Limit.at_most(limits.conversations_per_second),
            CallKind.PUBLISH: Limit.at_most(limits.publishing_per_second),
        },
        posts=Quota(limits.posts_per_day, DAY_SECONDS),
        containers=Quota(limits.containers_per_day, DAY_SECONDS),
        private_replies=Quota(limits.private_replies_per_hour, HOUR_SECONDS),
    )
