"""What the simulator is started with."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

#: The halves that may run as processes of their own.
Half = Literal["graph", "model"]

ACCESS_TOKEN_VARIABLE = "VESTLUS_SIMULATOR_ACCESS_TOKEN"  # noqa: S105  (a name, not a secret)
APP_SECRET_VARIABLE = "VESTLUS_SIMULATOR_APP_SECRET"  # noqa: S105
DEFAULT_MODEL_LABEL = "The simulator's own model answers, from the persona it is given"
DEFAULT_USER = "simulator-user"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """Everything that is fixed while a simulator runs.

    Args:
        data: The SQLite file that keeps history and undelivered webhooks; made if missing.
        webhook_url: Where webhooks are posted.
        app_secret: Signs the webhooks.
        access_token: Opens the Graph API for every account.
        account_ids: The Instagram accounts (`entry.id` of webhooks); at least one.
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        seed: Decides every chance: faults, duplicates, delays, latencies.
        model_label: What the chat page says about who answers.
        only: Be only one half: Instagram (Graph API, webhooks, chat page), or the model.
        run: Sets message ids apart from those of other runs with the same seed.
        until_stdin_closes: End when standard input does, as when whoever started it is gone.

    Raises:
        ValueError: If no account is given, or a secret is empty. The model alone needs neither.

    """

    data: Path
    webhook_url: str
    app_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    account_ids: tuple[str, ...]
    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 0
    model_label: str = DEFAULT_MODEL_LABEL
    only: Half | None = None
    run: str = ""
    until_stdin_closes: bool = False

    def __post_init__(self) -> None:
        if self.only == "model":
            return
        if not self.account_ids or not all(self.account_ids):
            message = "at least one account id is needed"
            raise ValueError(message)
        if len(set(self.account_ids)) != len(self.account_ids):
            message = "an account id is given twice"
            raise ValueError(message)
        if not self.app_secret or not self.access_token:
            message = "the app secret and the access token must not be empty"
            raise ValueError(message)
