"""What the audit names of an act that is under way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Noted:
    """What an act is done to, as its handler finds out: ids of ours, no words, no user's id. It is
    in the audit also where the act fails half-way.
    """

    target: str = ""
    detail: str = ""
    #: Whose the target is, where the act may take away what says so.
    account: str = ""
    #: The act's entry is in the audit: written before the act was handed in, or in the transaction
    #: in which it was done.
    written: bool = False

    def note(self, *, target: str, detail: str = "", account: str = "") -> None:
        """Says what is acted on, in the place of what was said before."""
        self.target, self.detail, self.account = target, detail, account
