"""What the service of a load test is given: nothing of the user's but tuning, bus and store."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from image_bank import starter_folder
from vestlus.conversation.identity import outbox_partition_of
from vestlus.loadtest.options import LoadTestError, Options, OptionsError
from vestlus.settings import Mode, Settings, load_settings

OUTBOX_PARTITIONS = 4
#: Ids that Meta gives nobody; so a store can be told that holds somebody else's conversations.
_FIRST_ACCOUNT = 99_900_000_000_000_000
#: Taken over from the environment: how the service is tuned, and where bus and store are.
TAKEN_OVER = (
    *("VESTLUS_BUS_URL", "VESTLUS_DATABASE_URL", "VESTLUS_PARTITIONS", "VESTLUS_INGRESS"),
    *("VESTLUS_CONVERSATION_ACTORS", "VESTLUS_PUBLISHER_ACTORS", "VESTLUS_WEBHOOK_REPLICAS"),
    *("VESTLUS_BURST_WAIT_SECONDS", "VESTLUS_LOG_LEVEL", "VESTLUS_OPENAI_API"),
    "VESTLUS_SETTLING_SECONDS",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What service and simulator must both know."""

    app_secret: str = field(repr=False)
    access_token: str = field(repr=False)


def own_accounts(number: int) -> tuple[str, ...]:
    """Invented accounts, spread evenly over the outbox partitions."""
    found: list[str] = []
    candidate = _FIRST_ACCOUNT
    while len(found) < number:
        candidate += 1
        wanted = len(found) % OUTBOX_PARTITIONS
        if outbox_partition_of(str(candidate), OUTBOX_PARTITIONS) == wanted:
            found.append(str(candidate))
    return tuple(found)


def is_own_account(account: str) -> bool:
    """Whether an account is one that a load test invented."""
    return account.isdecimal() and len(account) == 17 and account.startswith("999")  # noqa: PLR2004


def made_up_secrets() -> Secrets:
    """Secrets for one run."""
    return Secrets(app_secret=secrets.token_hex(16), access_token=secrets.token_urlsafe(24))


#: How far what is measured steps back, as `nice` counts. With Ray's default of 15 its processes
#: wait for all others. Here they come a little after the users, Instagram and the model, who in
#: production are on machines of their own: a user who writes late because the service has the
#: processor would measure the machine.
NICENESS: Final = 5


def service_environment(
    environ: Mapping[str, str],
    folder: Path,
    port: int,
    *,
    accounts: tuple[str, ...],
    known: Secrets,
    graph_url: str,
    model_url: str,
) -> dict[str, str]:
    """The environment of ``vestlus serve``; writes its configuration into ``folder``.

    ``vestlus.toml`` is not read and RAY_ADDRESS not heeded: an own Ray is started. Raises
    OptionsError when only one of bus and store is named: the other end of somebody's service
    would be worked on.
    """
    if ("VESTLUS_BUS_URL" in environ) != ("VESTLUS_DATABASE_URL" in environ):
        said = (
            "VESTLUS_BUS_URL and VESTLUS_DATABASE_URL: set both, to a bus and a store that are "
            "there for load tests only, or none for the embedded ones"
        )
        raise OptionsError((said,))
    config = folder / "vestlus.toml"
    persona = folder / "persona.md"
    persona.write_text(_PERSONA, "utf-8")
    config.write_text(
        "".join(
            f'[[accounts]]\nid = "{account}"\naccess_token = "env:LOADTEST_ACCESS_TOKEN"\n'
            f'persona = "{persona}"\n'
            for account in accounts
        ),
        "utf-8",
    )
    others = ("VESTLUS_", "OPENAI_", "RAY_ADDRESS")
    kept = {name: value for name, value in environ.items() if not name.startswith(others)}
    tuning = {name: environ[name] for name in TAKEN_OVER if name in environ}
    return {
        "VESTLUS_LOG_LEVEL": "WARNING",
        # Few users stand for many.
        "VESTLUS_ANSWERS_PER_USER_HOUR": "0",
        "VESTLUS_ANSWERS_PER_USER_DAY": "0",
        "RAY_worker_niceness": str(NICENESS),
        **kept,
        **tuning,
        "VESTLUS_CONFIG": str(config),
        "VESTLUS_DATA_DIR": str(folder / "data"),
        "VESTLUS_HTTP_HOST": "127.0.0.1",
        "VESTLUS_HTTP_PORT": str(port),
        "VESTLUS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "VESTLUS_APP_SECRETS": known.app_secret,
        "LOADTEST_ACCESS_TOKEN": known.access_token,
        "VESTLUS_VERIFY_TOKEN": secrets.token_hex(16),
        "VESTLUS_OPERATOR_TOKEN": secrets.token_hex(16),
        "VESTLUS_ENCRYPTION_KEY": secrets.token_hex(32),
        "VESTLUS_GRAPH_URL": f"{graph_url}/graph/v25.0",
        "VESTLUS_MEDIA_HOSTS": urlsplit(graph_url).netloc,
        "VESTLUS_IMAGE_FOLDER": str(starter_folder()),
        "OPENAI_BASE_URL": f"{model_url}/openai/v1",
        "OPENAI_API_KEY": "not-needed-by-the-simulator",
        "VESTLUS_MODEL": "simulator",
    }


def target_settings(options: Options) -> tuple[Settings, tuple[str, ...], Secrets]:
    """What a remote deployment is known by: our settings must be those of its.

    Raises SettingsError, and LoadTestError when accounts or token are missing.
    """
    settings = load_settings(mode=Mode.OPERATE)
    accounts = settings.accounts[: options.accounts]
    problems = []
    if not settings.secrets:
        problems.append("VESTLUS_APP_SECRETS: the deployment's is needed, to sign webhooks with")
    if len(accounts) < options.accounts:
        problems.append(
            f"--accounts {options.accounts}: the settings name {len(accounts)}; they must be the "
            "deployment's"
        )
    tokens = {one.access_token.get_secret_value() for one in accounts if one.access_token}
    if len(tokens) != 1 or not all(one.access_token for one in accounts):
        problems.append(
            "access_token: give all accounts one and the same, here and in the deployment: the "
            "pretend Graph knows only that one"
        )
    if problems:
        raise LoadTestError("The settings need mending:\n" + "\n".join(f"  {p}" for p in problems))
    known = Secrets(app_secret=settings.secrets[0], access_token=tokens.pop())
    return settings, tuple(one.id for one in accounts), known


_PERSONA = """\
# Metsamuuseum

Metsamuuseum on avatud teisipäevast pühapäevani kell 10-18.
Pilet maksab 8 eurot, õpilasele 5 eurot, perele 18 eurot.
Parkida saab muuseumi ees tasuta.
Muuseumini sõidab buss number 12, peatus Metsamuuseum.
Koerad on rihma otsas teretulnud.
The museum is open from Tuesday to Sunday, 10 to 18. Opening hours are the same all year.
You can park in front of the museum free of charge.
Музей открыт каждый день, кроме понедельника, 10-18.
"""
