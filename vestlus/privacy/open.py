"""Makes what exports and erases, from the settings."""

from __future__ import annotations

from vestlus.bus.port import Bus
from vestlus.clock import system_clock
from vestlus.errors import SettingsError
from vestlus.privacy.graves import Graves
from vestlus.privacy.operations import Privacy
from vestlus.settings import Settings
from vestlus.store.port import Store


def open_graves(settings: Settings) -> Graves:
    """What names tombstones under these settings. Raises SettingsError without a key."""
    secret = settings.encryption_key
    if secret is None:
        problem = (
            "VESTLUS_ENCRYPTION_KEY: is missing; without the service's own key nobody could tell "
            "whose messages are to be dropped"
        )
        raise SettingsError((problem,))
    return Graves(secret.get_secret_value())


def open_privacy(settings: Settings, store: Store, bus: Bus) -> Privacy:
    """Exports and erases in this store. Raises SettingsError without VESTLUS_ENCRYPTION_KEY."""
    return Privacy(
        store, bus, open_graves(settings), clock=system_clock, partitions=settings.partitions
    )
