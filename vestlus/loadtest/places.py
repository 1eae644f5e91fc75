"""Where the service of a load test is: started here, or a deployment somewhere else."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from vestlus.cli.ports import free_port
from vestlus.loadtest.children import Child, service
from vestlus.loadtest.environment import (
    made_up_secrets,
    own_accounts,
    service_environment,
    target_settings,
)
from vestlus.loadtest.machine import bus_version, store_version
from vestlus.loadtest.options import Options
from vestlus.settings import Mode, load_settings

#: Where a deployment finds the simulator when nothing else is said.
GRAPH_PORT, MODEL_PORT = 8001, 8002


class Local:
    """The service started here."""

    def __init__(self, options: Options) -> None:
        self.accounts = own_accounts(options.accounts)
        self.known = made_up_secrets()
        self.port = free_port("127.0.0.1")
        self.address = f"http://127.0.0.1:{self.port}"
        self.graph_port, self.model_port = free_port("127.0.0.1"), free_port("127.0.0.1")
        self.burst_wait_seconds = 0.0
        #: Where embedded bus and store have their files; None where they are servers.
        self.data_folder: Path | None = None
        self._environ = os.environ
        self._given: dict[str, str] = {}

    async def versions(self) -> dict[str, object]:
        """Of bus and store. Raises LoadTestError."""
        bus, store = (self._environ.get(f"VESTLUS_{name}_URL") for name in ("BUS", "DATABASE"))
        return {"bus": await bus_version(bus), "store": await store_version(store)}

    def prepare(self, folder: Path) -> None:
        """Reads what the service is given. Raises SettingsError, OptionsError."""
        self._given = service_environment(
            self._environ,
            folder,
            self.port,
            accounts=self.accounts,
            known=self.known,
            graph_url=f"http://127.0.0.1:{self.graph_port}",
            model_url=f"http://127.0.0.1:{self.model_port}",
        )
        settings = load_settings(self._given, mode=Mode.SERVE)
        self.data_folder = settings.data_dir
        self.burst_wait_seconds = settings.burst_wait_seconds

    def start(self, stack: ExitStack, folder: Path) -> Child | None:
        """Starts the service, once it is prepared."""
        return stack.enter_context(service(self._given, folder))

    def announcement(self, _: Options) -> str:
        """What is said while one waits."""
        return f"The service starts at {self.address}, Graph, model and users beside it …"


class Remote:
    """A deployment somewhere else."""

    def __init__(self, options: Options) -> None:
        self._settings, self.accounts, self.known = target_settings(options)
        self.address = str(options.target).rstrip("/").removesuffix("/webhook")
        self.graph_port = options.graph_port or GRAPH_PORT
        self.model_port = options.model_port or MODEL_PORT
        self.burst_wait_seconds = self._settings.burst_wait_seconds
        self.data_folder: Path | None = None
        self._seen_as = options.seen_as or options.listen

    async def versions(self) -> dict[str, object]:
        """What is known of the deployment: where it is."""
        return {"bus": "the deployment's", "store": "the deployment's", "target": self.address}

    def prepare(self, _folder: Path) -> None:
        """Its settings are its own."""

    def start(self, _stack: ExitStack, _folder: Path) -> Child | None:
        """It runs already."""
        return None

    def announcement(self, options: Options) -> str:
        """What the deployment must be given."""
        return (
            f"Against {self.address}. Its settings must be:\n"
            f"  VESTLUS_GRAPH_URL=http://{self._seen_as}:{self.graph_port}/graph/v25.0\n"
            f"  OPENAI_BASE_URL=http://{self._seen_as}:{self.model_port}/openai/v1\n"
            f"  OPENAI_API_KEY  any word\n"
            f"  VESTLUS_MEDIA_HOSTS={self._seen_as}:{self.graph_port}\n"
            f"  VESTLUS_ANSWERS_PER_USER_HOUR=0\n"
            f"  VESTLUS_ANSWERS_PER_USER_DAY=0\n"
            f"  the app secret, the {options.accounts} accounts and their token as here, and "
            f"VESTLUS_BURST_WAIT_SECONDS={self.burst_wait_seconds:g}\n"
            "It must serve no real users meanwhile: nothing would reach them."
        )
