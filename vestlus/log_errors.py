"""What lines of the log say of an error: never its message, which may hold a user's words."""

from __future__ import annotations

import errno
import re
import traceback
from typing import Final

from vestlus.errors import RejectedError, VestlusError

#: Where drivers keep the code of what went wrong: ``SQLITE_FULL`` (Python 3.11), ``53100``
#: (PostgreSQL, "Appendix A: error codes"), ``AuthorizationFailure`` (Azure Storage).
_CODES: Final = ("sqlite_errorname", "sqlstate", "error_code")
#: Causes of causes that are looked at: Python allows them to go round in a ring.
_DEEPEST: Final = 20
_CODE: Final = re.compile(r"[A-Za-z0-9_]{1,60}")


def error_fields(error: BaseException) -> dict[str, str]:
    """Fields of a line: ``error``, its class; ``reason``, or its ``place`` where it has none."""
    reason = reason_of(error)
    where = {"reason": reason} if reason else {"place": place_of(error)}
    return {"error": type(error).__name__, **where}


def place_of(error: BaseException) -> str:
    """Where it came from: the innermost frames as ``file:line function``, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " > ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames
    )
    return f"{type(error).__name__} at {where or 'no known place'}"


def reason_of(error: BaseException) -> str:
    """What to mend or a stable word, where the error has one; else the class and the code of what
    it came from. Empty where it came from nothing and has no code.
    """
    if isinstance(error, VestlusError) and error.remedy:
        return error.remedy
    if isinstance(error, RejectedError):
        return error.reason
    first = error
    for _ in range(_DEEPEST):
        if first.__cause__ is None:
            break
        first = first.__cause__
    name = "" if first is error else type(first).__name__
    return " ".join(word for word in (name, _code(first)) if word)


def _code(error: BaseException) -> str:
    for attribute in _CODES:
        code = getattr(error, attribute, None)
        if isinstance(code, str) and _CODE.fullmatch(code):
            return code
    number = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(number, "") if number else ""
