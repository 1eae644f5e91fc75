"""Whether a picture may be used at all on a day, and how much longer."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from image_bank.catalogue import Picture
from image_bank.examining import NOTICE_DAYS


class Standing(StrEnum):
    """Where a day lies in the time of a picture's use."""

    VALID = "valid"
    #: It is in use, and ends within NOTICE_DAYS.
    ENDING = "ending"
    ENDED = "ended"
    TO_COME = "to_come"


def standing_of(picture: Picture, today: date) -> Standing:
    """How it stands today, whatever it may be used in."""
    first, last = picture.valid_from, picture.valid_until
    if last is not None and last < today:
        return Standing.ENDED
    if first is not None and first > today:
        return Standing.TO_COME
    if last is not None and last <= today + timedelta(days=NOTICE_DAYS):
        return Standing.ENDING
    return Standing.VALID
