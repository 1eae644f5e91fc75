"""Ray Serve on a cluster of our own and on one that others use too.

On somebody else's cluster Serve may run already: left there by a ``vestlus serve`` that was
killed, or with applications of others. It keeps the address then that it has, and what is not ours
is left alone.
"""

from __future__ import annotations

from collections.abc import Callable

from vestlus.cli.not_started import NotStartedError, PortTakenError
from vestlus.cli.ports import port_is_free
from vestlus.settings import Settings


def check_port(settings: Settings) -> None:
    """Raises PortTakenError, HostUnknownError, and NotStartedError for a port of root's."""
    if not port_is_free(settings.http_host, settings.http_port):
        raise PortTakenError(
            f"port {settings.http_port} is taken: end what listens there, "
            "or set VESTLUS_HTTP_PORT to another one"
        )


def start_serve(settings: Settings, *, local: bool) -> None:
    """Starts Serve where none runs, with an ingress on every node.

    Raises PortTakenError, and NotStartedError where one runs that listens on another port. What
    Ray raises comes as it is.
    """
    from ray import serve

    if not local and refuse_other_port(settings):
        return
    if not local:
        check_port(settings)
    serve.start(
        http_options={
            "host": settings.http_host,
            "port": settings.http_port,
            "keep_alive_timeout_s": 90,
        },
        logging_config={"log_level": "WARNING", "enable_access_log": False},
    )


def refuse_other_port(settings: Settings) -> bool:
    """Whether Serve runs already. Raises NotStartedError where it listens on another port."""
    from ray.serve import context

    running = context._get_global_client(raise_if_no_controller_running=False)  # noqa: SLF001 - Ray has no public way to ask
    if running is not None and running.http_config.port != settings.http_port:
        raise NotStartedError(
            f"Ray Serve already runs on this cluster and listens on port "
            f"{running.http_config.port}: set VESTLUS_HTTP_PORT to that, or end it with "
            "`serve shutdown`"
        )
    return running is not None


def end_serve(*, local: bool) -> None:
    """Ends our application, once what it has taken in is finished; Serve too, unless somebody
    else's application is left on it. What Ray raises comes as it is.
    """
    from ray import serve

    from serve_app import APP_NAME

    shutdown: Callable[[], None] = serve.shutdown
    if local:
        shutdown()
        return
    if APP_NAME in serve.status().applications:
        serve.delete(APP_NAME)
    if not serve.status().applications:
        shutdown()
