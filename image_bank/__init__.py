"""The image bank: pictures that answers and posts are made of.

The catalogue is in the store, the files are in a storage of their own. ``docs/image-bank.md``
tells how the bank is filled and used.
"""

from __future__ import annotations

from pathlib import Path


def starter_folder() -> Path:
    """The folder of the bank that the project brings along: pictures and ``catalogue.toml``."""
    return Path(__file__).with_name("starter")
