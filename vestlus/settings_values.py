"""What single settings may be. Messages of problems never repeat the value: it may be a secret."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    SecretStr,
)

from vestlus.conversation.hours import parse_holiday, parse_opening
from vestlus.scaling.size import PoolSize, parse_size

Day = TypeVar("Day", bound=date)


def comma_separated(value: object) -> object:
    """Text with commas, or a list of texts, without the blank ones: one that is about to be
    replaced may be set and empty.
    """
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError("must be text in quotes, or a list of such")  # noqa: TRY004 - pydantic's
    if not all(isinstance(part, str) for part in parts):
        return value
    given = tuple(part.strip() for part in parts if part.strip())
    if value and not given:
        raise ValueError("has nothing but blanks and commas")
    return given


def blank_is_missing(value: object) -> object:
    """An empty variable counts as one that is not set."""
    return None if value == "" else value


def not_blank(value: object) -> object:
    """Refuses white space alone."""
    if isinstance(value, str) and not value.strip():
        raise ValueError("must not be blank")
    return value


def header_safe(value: SecretStr) -> SecretStr:
    """Tokens go into HTTP headers, where anything else fails with the first request."""
    if not re.fullmatch(r"[!-~]+", value.get_secret_value()):
        raise ValueError("must be ASCII letters, digits and signs, without spaces or line ends")
    return value


def account_id(value: str) -> str:
    """Meta's ids are digits."""
    if not re.fullmatch(r"[0-9]{1,32}", value):
        raise ValueError("must be 1 to 32 digits: the account's user_id")
    return value


def language_tag(value: str) -> str:
    """A plausible BCP 47 tag."""
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", value):
        raise ValueError("must be a BCP 47 tag such as et, en-GB or zh-Hant")
    return value


def timezone_name(value: str) -> str:
    """A zone of the IANA database."""
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # no such zone; not a name; a folder of zones
        raise ValueError("must be an IANA time zone such as Europe/Tallinn") from None
    return value


def opening_times(value: str) -> str:
    """Days of the week with a stretch of time."""
    parse_opening(value)
    return value


def holiday(value: str) -> str:
    """A day, of one year or of every year."""
    parse_holiday(value)
    return value


_WALL = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:00(\.0+)?)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: Beyond them is a slip, and moments cannot be told in every zone.
_YEARS = range(2000, 3000)


def wall_time(value: object) -> datetime | None:
    """A date and a time as TOML has them, or as text: a whole minute, without an offset."""
    if value is None:
        return None
    found = value
    if isinstance(value, str) and (parts := _WALL.fullmatch(value.strip())):
        try:
            found = datetime.fromisoformat(f"{parts[1]}T{parts[2]}")
        except ValueError:
            raise ValueError("is a day or a time that there is not") from None
    if not isinstance(found, datetime):
        raise ValueError("must be a date and a time such as 2026-12-24T09:00")  # noqa: TRY004
    if found.tzinfo is not None:
        raise ValueError("must have no offset: its clock is that of the time zone")
    if found.second or found.microsecond:
        raise ValueError("must be a whole minute")
    return _plausible(found)


def day(value: object) -> date:
    """A date as TOML has it, or as text."""
    found = value
    if isinstance(value, str) and _DAY.fullmatch(value.strip()):
        try:
            found = date.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("is a day that there is not") from None
    if not isinstance(found, date) or isinstance(found, datetime):
        raise ValueError("must be a date such as 2026-12-24")  # noqa: TRY004
    return _plausible(found)


def _plausible(found: Day) -> Day:
    if found.year not in _YEARS:
        raise ValueError("must be in a year from 2000 to 2999")
    return found


Pool = Annotated[PoolSize, BeforeValidator(parse_size)]
OptionalSecret = Annotated[
    SecretStr | None, BeforeValidator(not_blank), BeforeValidator(blank_is_missing)
]
OptionalText = Annotated[str | None, BeforeValidator(not_blank), BeforeValidator(blank_is_missing)]
Text = Annotated[str, BeforeValidator(not_blank)]
Token = Annotated[SecretStr, AfterValidator(header_safe)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(comma_separated)]


def address(value: str | None, schemes: tuple[str, ...]) -> str | None:
    """Raises ValueError; its message does not repeat the address, which may hold a password."""
    if value is None:
        return None
    scheme, separator, rest = value.partition("://")
    if not separator or scheme not in schemes:
        raise ValueError("must start with " + " or ".join(f"{known}://" for known in schemes))
    if scheme in ("sqlite", "file"):
        path = rest.partition("?")[0]
        if not path.startswith("/") or path.strip("/") in ("", ":memory:"):
            raise ValueError(f"must have a file's path after {scheme}:///")
    else:
        _check_host(value)
    return value


def _check_host(address: str) -> None:
    if re.search(r"[\s\x00-\x1f\x7f]", address):  # urlsplit would drop some of them
        raise ValueError("must not have spaces or line ends")
    try:
        parts = urlsplit(address)
    except ValueError:  # it quotes the address
        raise ValueError("is not an address") from None
    if not parts.hostname:
        raise ValueError("has no host")
    try:
        fits = parts.port != 0
    except ValueError:  # no number, or too large a one
        fits = False
    if not fits:
        raise ValueError(
            "has a port that is no number from 1 to 65535 "
            "(in a password, / ? # and @ are written %2F %3F %23 and %40)"
        )
