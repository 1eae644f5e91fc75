"""How long things are kept: the table ``[retention]`` of ``vestlus.toml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from vestlus.retention.periods import LEAST_DAYS, LEAST_POST_DAYS, Periods

#: A hundred years: never, for every purpose, and a date that can be reckoned with.
_MOST_DAYS = 36_500

Days = Annotated[int, Field(ge=LEAST_DAYS, le=_MOST_DAYS)]


class Retention(BaseModel):
    """Days. ``docs/retention.md`` says what each covers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages_days: Days = 90
    events_days: Days = 14
    sends_days: Days = 30
    dead_letters_days: Days = 90
    posts_days: Annotated[int, Field(ge=LEAST_POST_DAYS, le=_MOST_DAYS)] = 400

    @property
    def periods(self) -> Periods:
        """The same for the walk."""
        return Periods(
            messages=self.messages_days,
            events=self.events_days,
            sends=self.sends_days,
            dead_letters=self.dead_letters_days,
            posts=self.posts_days,
        )
