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
    """The file cannot be used. The message begins in the middle: "is truncated".

    ``reason`` is a stable word for it, by which it can be said in other languages.
    """

    def __init__(self, words: str, reason: str = "unusable") -> None:
        super().__init__(words, reason)
        self.words = words
        self.reason = reason

    def __str__(self) -> str:
        return self.words


class CatalogueRefused(ImageBankError):
    """Entries have problems, and nothing was changed. ``problems`` has one line each.

    ``reason`` is a stable word where there is one problem that has one.
    """

    def __init__(self, problems: tuple[str, ...], reason: str = "") -> None:
        super().__init__(problems, reason)
        self.problems = problems
        self.reason = reason

    def __str__(self) -> str:
        return "\n".join(self.problems)


class StorageUnavailable(ImageBankError):
    """The storage did not do it. Trying again may help, mending its address or rights too."""
