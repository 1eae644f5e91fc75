"""What can go wrong with the bank.

The tree, below ``VestlusError``::

    ImageBankError
    ├── PictureRefused         a file is no picture that can be used; says why
    ├── CatalogueRefused       a catalogue or an entry has problems; names all of them
    └── StorageUnavailable     the files' storage does not answer, or does not let us in

All of them pickle.
"""

from __future__ import annotations

from vestlus.errors import VestlusError


class ImageBankError(VestlusError):
    """Base of the bank's errors."""


class PictureRefused(ImageBankError):
    """The file cannot be used. The message begins in the middle: "is truncated"."""


class CatalogueRefused(ImageBankError):
    """Entries have problems, and nothing was changed. ``problems`` has one line each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class StorageUnavailable(ImageBankError):
    """The storage did not do it. Trying again may help, mending its address or rights too."""
