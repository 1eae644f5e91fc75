"""Tells Ray Serve how many webhook replicas there should be."""

from __future__ import annotations

import threading

import structlog

from vestlus.scaling.size import PoolSize
from vestlus.settings import Settings

_log = structlog.get_logger(__name__)


class IngressSize:
    """What Serve was told last, and telling it something else. Serve itself counts requests and
    chooses the number where the size is `auto`.
    """

    def __init__(self, settings: Settings, cluster: str) -> None:
        self._settings = settings
        self._cluster = cluster
        #: As deployed by whoever started the service.
        self._told = settings.webhook_replicas
        self._telling: threading.Thread | None = None

    def follow(self, size: PoolSize, replicas: int) -> int:
        """Sees to it that Serve knows of the size; returns how many replicas are wished for now,
        of those that there are where Serve decides. Does not wait.
        """
        idle = self._telling is None or not self._telling.is_alive()
        if size != self._told and idle and replicas > 0:
            # Beside the rounds: Serve answers when the replicas run.
            self._telling = threading.Thread(
                target=self._tell, args=(size,), name="ingress size", daemon=True
            )
            self._telling.start()
        return replicas if size.auto else size.least

    def _tell(self, size: PoolSize) -> None:
        # Here: whoever never changes their number need not load Serve for it.
        from ray import serve  # noqa: PLC0415
        from ray.exceptions import RayError  # noqa: PLC0415
        from ray.serve.exceptions import RayServeException  # noqa: PLC0415
        from ray.serve.schema import ApplicationStatus  # noqa: PLC0415

        from serve_app import APP_NAME, application, deployed  # noqa: PLC0415

        try:
            # Not while it is being started or ended: whoever does that is at it.
            found = serve.status().applications.get(APP_NAME)
            if found is None or found.status is not ApplicationStatus.RUNNING:
                return
            deployed(application(self._settings, self._cluster, size))
        except (RayError, RayServeException, TimeoutError) as error:
            _log.warning("ingress_not_resized", error=type(error).__name__)
            return
        self._told = size
        _log.info("ingress_resized", size=str(size))
