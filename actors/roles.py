"""On which nodes an actor may be, where a cluster has nodes for each role.

Such a node says so by a resource of Ray's, in any amount from 1 on: ``vestlus_webhook``,
``vestlus_conversation``, ``vestlus_publisher``. It may offer several. The registry and the
scheduler go where webhooks are taken in: elsewhere each would take a part of the processor that an
actor of a pool needs as a whole, and may go with a node that is no longer needed.
"""

from __future__ import annotations

from typing import Final

from vestlus.settings import Settings

WEBHOOK: Final = "webhook"

#: What one actor takes of its role's resource. Processors bound how many there are on a node.
SHARE: Final = 0.001


def role_resource(role: str) -> str:
    """The resource by which a node says that it is for that role."""
    return f"vestlus_{role}"


def role_resources(settings: Settings, role: str) -> dict[str, float]:
    """What an actor of that role asks of a node beside processors; nothing by default."""
    return {role_resource(role): SHARE} if settings.node_roles else {}
