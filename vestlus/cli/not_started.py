"""Why the service did not come up, for whoever started it."""

from __future__ import annotations

from vestlus.errors import VestlusError


class NotStartedError(VestlusError):
    """The service did not come up. The message says what is known of why."""


class HostUnknownError(VestlusError):
    """One cannot listen on this host: it is no address of this machine."""


class PortTakenError(VestlusError):
    """Something else listens on the port."""
