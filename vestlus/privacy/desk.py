"""What the HTTP routes work with, opened when both the store and the bus are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from vestlus.bus.port import Bus
from vestlus.clock import system_clock
from vestlus.hosting.turn_parts import HandedOver
from vestlus.notify import Notifier
from vestlus.privacy.callbacks import Callbacks, Notice
from vestlus.privacy.open import open_privacy
from vestlus.privacy.operations import Privacy
from vestlus.settings import Settings
from vestlus.store.port import Store


@dataclass(frozen=True, slots=True)
class PrivacyDesk:
    """Exports, erases, and does what Meta asks for."""

    privacy: Privacy
    callbacks: Callbacks

    @classmethod
    def of(cls, settings: Settings, store: Store, bus: Bus, notifier: Notifier) -> Self:
        """One for these. Raises SettingsError without VESTLUS_ENCRYPTION_KEY."""
        privacy = open_privacy(settings, store, bus)

        def tell(notice: Notice) -> None:
            notifier(
                HandedOver(
                    account=notice.account,
                    conversation="",
                    note=notice.note,
                    at_ms=system_clock(),
                    event=notice.event,
                )
            )

        accounts = [one.id for one in settings.accounts]
        return cls(privacy, Callbacks(privacy, store, accounts, tell=tell))
