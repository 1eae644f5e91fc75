"""The Ray actors: thin shells over ordinary classes of the package ``vestlus``."""

from __future__ import annotations

#: Ray namespace of every actor.
NAMESPACE = "vestlus"
