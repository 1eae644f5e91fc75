"""Markers such as `#u17-3`: how a test tells which answer belongs to which message."""

import re

# A hashtag of a person rarely ends in a hyphen and a number.
MARKER = re.compile(r"#[^\W\d_][^\W_]*-\d+\b")


def find_markers(text: str | None) -> list[str]:
    """Return the markers of a text, in order, repetitions included."""
    return MARKER.findall(text) if text else []
