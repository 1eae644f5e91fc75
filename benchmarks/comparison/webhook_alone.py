"""``python -m benchmarks.comparison.webhook_alone``: Vestlus' intake with nobody behind it.

The HTTP side of ``vestlus serve`` as it is (Ray Serve behind HAProxy, the same ASGI application,
the same environment), without the registry and so without actors: what is taken in stays in the
queues and can be counted. The other side of the comparison has nobody behind it either. Settings
come from the environment; ends with SIGTERM.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from vestlus.cli.launch import _prepare_environment, _private_folder, _start_ray
from vestlus.cli.preflight import check_adapters
from vestlus.logs import configure_logs
from vestlus.settings import Mode, Settings, load_settings


def serve_alone(settings: Settings) -> None:
    """Deploy it and wait for the end."""
    # Only now: Ray and Ray Serve read the environment when they are imported.
    import ray  # noqa: PLC0415
    from ray import serve  # noqa: PLC0415

    from serve_app import MOST_REQUESTS, MOST_WAITING  # noqa: PLC0415
    from vestlus.web import Front  # noqa: PLC0415

    class Alone:
        def __serve_build_asgi_app__(self) -> ASGIApp:
            configure_logs("WARNING")
            return Front(settings)

    ingress: Any = serve.ingress()
    deployment: Any = serve.deployment(
        name="Webhook",
        num_replicas=settings.webhook_replicas.least,
        max_ongoing_requests=MOST_REQUESTS,
        max_queued_requests=MOST_WAITING,
        ray_actor_options={"num_cpus": 0.1},
    )(ingress(Alone))
    logging: Any = {"log_level": "WARNING", "enable_access_log": False}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        _start_ray(local=True)
        serve.start(
            http_options={
                "host": settings.http_host,
                "port": settings.http_port,
                "keep_alive_timeout_s": 90,
            },
            logging_config=logging,
        )
        serve.run(deployment.bind(), logging_config=logging)
        signal.pause()
    end_serve: Callable[[], None] = serve.shutdown
    end_serve()
    ray.shutdown()


def main() -> None:
    """Serve until SIGTERM."""
    settings = load_settings(mode=Mode.SERVE)
    asyncio.run(check_adapters(settings))
    with _private_folder() as folder:
        _prepare_environment(settings, folder)
        serve_alone(settings)


if __name__ == "__main__":
    main()
