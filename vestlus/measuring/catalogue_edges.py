"""What is measured of requests, and of what is done besides answering messages.

The same as :mod:`vestlus.measuring.catalogue`, in the same registry.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

from vestlus.measuring.catalogue import REGISTRY

#: Of what is answered from memory, from the store, or after a server of Meta's.
_REQUESTS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUEST_SECONDS: Final = Histogram(
    "vestlus_request_seconds",
    "From when a replica got a request until it began to answer.",
    ("route", "status"),
    buckets=_REQUESTS,
    registry=REGISTRY,
)
API_REFUSALS: Final = Counter(
    "vestlus_api_refusals_total", "Requests that the API refused.", ("error",), registry=REGISTRY
)
META_CALLBACKS: Final = Counter(
    "vestlus_meta_callbacks_total",
    "What requests of Meta's to erase somebody or to stop an account came to.",
    ("callback", "outcome"),
    registry=REGISTRY,
)
ERASURES: Final = Counter(
    "vestlus_erasures_total", "Erasures recorded.", ("way", "state"), registry=REGISTRY
)
ERASURES_ENDED: Final = Counter(
    "vestlus_erasures_ended_total", "Erasures carried to their end.", registry=REGISTRY
)
RETENTION_REMOVED: Final = Counter(
    "vestlus_retention_removed_total",
    "What was taken away because it was old.",
    ("what",),
    registry=REGISTRY,
)
UPKEEP_ROUNDS: Final = Counter(
    "vestlus_upkeep_rounds_total",
    "Rounds of retention and of erasures, by whether the store allowed them.",
    ("of", "outcome"),
    registry=REGISTRY,
)
