"""Tells Ray Serve how many webhook replicas there should be."""

from __future__ import annotations

import threading

import structlog

from vestlus.scaling.size import MOST_REPLICAS, PoolSize
from vestlus.settings import Settings

_log = structlog.get_logger(__name__)


class IngressSize:
    """What Serve was told last, and telling it something else. Serve itself counts requests and
    chooses the number where the size is `auto`.

    An application that a configuration declares is left as it is. Told anything by a program it
    counts as that program's: KubeRay looks at declared ones only (``GetServeDetails`` in its
    ``dashboard_httpclient.go``), so it would find none, take the service for not ready, and give
    the configuration to Serve again, which undoes the change.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        #: As deployed by whoever started the service; None where nobody knows.
        self._told: PoolSize | None = settings.webhook_replicas
        #: Whoever deployed the application has seen it run, and waits for it no more.
        self._started = False
        #: Whether a configuration declares the application, as far as it had to be asked.
        self.declared = False
        #: The size that was not told for that reason, which is neither asked nor warned of again.
        self._left: PoolSize | None = None
        self._telling: threading.Thread | None = None

    def ask(self) -> None:
        """Compares with what Serve has before anything else: an earlier incarnation of this
        registry may have told it something.
        """
        self._told = None

    def follow(self, size: PoolSize, replicas: int) -> int:
        """Sees to it that Serve knows of the size, unless the application is declared; returns how
        many replicas there should be now, of those that there are where Serve decides. Does not
        wait.
        """
        idle = self._telling is None or not self._telling.is_alive()
        if size not in (self._told, self._left) and idle and replicas > 0:
            # Beside the rounds: Serve answers within seconds.
            self._telling = threading.Thread(
                target=self._tell, args=(size,), name="ingress size", daemon=True
            )
            self._telling.start()
        meant = self._settings.webhook_replicas if self.declared else size
        return replicas if meant.auto else meant.bounds(MOST_REPLICAS, 1)[0]

    def _tell(self, size: PoolSize) -> None:
        # Here: whoever never changes their number need not load Serve for it.
        from ray.exceptions import RayError  # noqa: PLC0415
        from ray.serve.exceptions import RayServeException  # noqa: PLC0415

        try:
            known = self._known(size)
        except (RayError, RayServeException, TimeoutError, RuntimeError) as error:
            # RuntimeError is what Serve raises for an application that cannot run.
            _log.warning("ingress_not_resized", error=type(error).__name__)
            return
        if known:
            self._told = size

    def _known(self, size: PoolSize) -> bool:
        """Tells Serve unless it knows; whether it knows now."""
        from ray import serve  # noqa: PLC0415
        from ray.serve.schema import ApplicationStatus  # noqa: PLC0415

        from actors.ingress_target import ingress_target  # noqa: PLC0415
        from serve_app import APP_NAME, deployed, replica_bounds  # noqa: PLC0415

        found = serve.status().applications.get(APP_NAME)
        status = found.status if found else ApplicationStatus.NOT_STARTED
        if status in {ApplicationStatus.NOT_STARTED, ApplicationStatus.DELETING}:
            return False
        self._started = self._started or status is ApplicationStatus.RUNNING
        target = ingress_target()
        self.declared = target.declared
        first = target.bounds == replica_bounds(self._settings.webhook_replicas)
        if status is ApplicationStatus.DEPLOYING and first and not self._started:
            # It starts for the first time, and whoever deployed it waits for just so many. Later
            # on it is deploying as long as there is no room for all: a smaller size mends that.
            return False
        if target.bounds == replica_bounds(size):
            return True
        if target.declared:
            self._left = size
            _log.warning("ingress_not_resized", reason="declarative", size=str(size))
            return False
        deployed(target.resized(size), wait=False)
        _log.info("ingress_resized", size=str(size))
        return True
