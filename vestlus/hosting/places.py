"""Where an error came from, without what it says: messages of errors may hold users' words."""

from __future__ import annotations

import traceback


def place_of(error: BaseException) -> str:
    """The innermost frames of an error as ``file:line function``, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " > ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames
    )
    return f"{type(error).__name__} at {where or 'no known place'}"
