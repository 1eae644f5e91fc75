"""What can become of signing in at a provider. All carry ``reason``, a short stable word."""

from __future__ import annotations

from vestlus.errors import RejectedError


class ProviderAway(RejectedError):
    """The provider does not answer, or not with what can be used: trying again may help."""


class ProviderUnfit(RejectedError):
    """What the provider publishes does not fit the settings: somebody has to mend them."""


class NotLetIn(RejectedError):
    """The provider sent somebody back who is not let in. ``who`` is their name, where it is known
    beyond doubt.
    """

    def __init__(self, reason: str, who: str = "") -> None:
        super().__init__(reason)
        self.args = (reason, who)
        self.who = who
