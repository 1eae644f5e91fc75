"""Trails added to, in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, func

from vestlus.store.trail import LONGEST


def longer(column: ColumnElement[str], added: ColumnElement[str]) -> ColumnElement[Any]:
    """The trail with more lines at its end, and without its oldest ones where it is too long."""
    whole = column + added
    length = func.length(whole)
    return case((length > LONGEST, func.substr(whole, length - LONGEST + 1)), else_=whole)
