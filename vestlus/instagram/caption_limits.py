"""What Instagram takes as a caption.

Source: Meta's "IG User Media" reference: 2,200 characters, 30 hashtags, 20 mentions. How it counts
characters is not documented; they are counted here as Python does, one for each code point.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_CAPTION: Final = 2200
MAX_HASHTAGS: Final = 30
MAX_MENTIONS: Final = 20

_HASHTAG: Final = re.compile(r"#\w+")
_MENTION: Final = re.compile(r"@[\w.]+")


@dataclass(frozen=True, slots=True)
class Counts:
    """What of a caption is limited."""

    characters: int
    hashtags: int
    mentions: int

    def __str__(self) -> str:
        return (
            f"{self.characters} characters, {self.hashtags} hashtags and {self.mentions} mentions"
        )

    @property
    def fit(self) -> bool:
        """Whether Instagram takes so much."""
        return (
            self.characters <= MAX_CAPTION
            and self.hashtags <= MAX_HASHTAGS
            and self.mentions <= MAX_MENTIONS
        )


def counts(caption: str) -> Counts:
    """What a caption has."""
    return Counts(len(caption), len(_HASHTAG.findall(caption)), len(_MENTION.findall(caption)))


def caption_fits(caption: str) -> bool:
    """Whether Instagram takes a caption."""
    return counts(caption).fit
