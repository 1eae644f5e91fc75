"""How long things are kept: the table ``[retention]`` of ``vestlus.toml``, and what an account
says instead in ``[accounts.retention]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from vestlus.retention.accounts import AccountPeriods
from vestlus.retention.periods import LEAST_DAYS, LEAST_POST_DAYS, Periods

#: A hundred years: never, for every purpose, and a date that can be reckoned with.
_MOST_DAYS = 36_500

Days = Annotated[int, Field(ge=LEAST_DAYS, le=_MOST_DAYS)]


PostDays = Annotated[int, Field(ge=LEAST_POST_DAYS, le=_MOST_DAYS)]


class Retention(BaseModel):
    """Days. ``docs/retention.md`` says what each covers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages_days: Days = 90
    media_days: Days = 14
    events_days: Days = 14
    sends_days: Days = 30
    dead_letters_days: Days = 90
    posts_days: PostDays = 400
    audit_days: Days = 730

    @property
    def periods(self) -> Periods:
        """The same for the walk."""
        return Periods(
            messages=self.messages_days,
            media=self.media_days,
            events=self.events_days,
            sends=self.sends_days,
            dead_letters=self.dead_letters_days,
            posts=self.posts_days,
            audit=self.audit_days,
        )

    def with_accounts(self, accounts: Mapping[str, AccountRetention]) -> AccountPeriods:
        """The same, where accounts by their ids say something else."""
        return AccountPeriods(
            self.periods, {account: own.over(self).periods for account, own in accounts.items()}
        )


class AccountRetention(BaseModel):
    """Days for one account; where it says nothing, those of ``[retention]``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages_days: Days | None = None
    media_days: Days | None = None
    events_days: Days | None = None
    sends_days: Days | None = None
    dead_letters_days: Days | None = None
    posts_days: PostDays | None = None
    #: Of what was done to this account's conversations, posts, schedules and dead letters.
    audit_days: Days | None = None

    def over(self, common: Retention) -> Retention:
        """The periods of this account."""
        return common.model_copy(update=self.model_dump(exclude_none=True))
