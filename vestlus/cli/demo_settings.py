"""The demo's settings: those of the user, pointed at the simulator, with an account and plans of
the demo's own where there are none. For the demo itself, and for commands beside it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from image_bank import starter_folder
from vestlus.errors import SettingsError, VestlusError
from vestlus.scheduling.walltime import wall_at
from vestlus.settings import Mode, Settings, load_settings
from vestlus.settings_account import Account
from vestlus.settings_events import EventRule
from vestlus.settings_plans import PLANS, strangers
from vestlus.settings_schedules import Schedule

DEMO_ACCOUNT: Final = "17841400000000001"
#: The event of the demo's own rule.
DEMO_EVENT: Final = "opening"

_MINUTE: Final = timedelta(minutes=1)


class DemoError(VestlusError):
    """The demo cannot start, or is not there. The message says what to do."""


@dataclass(frozen=True, slots=True)
class DemoAddresses:
    """Where a running demo is, as it wrote it into the data folder for other commands."""

    simulator: str
    service: str
    account: str
    pid: int


def addresses_file(data_dir: Path) -> Path:
    """Where a running demo writes its addresses."""
    return data_dir / "demo.json"


def running_demo(data_dir: Path) -> DemoAddresses:
    """The demo that runs on this data folder. Raises DemoError."""
    file = addresses_file(data_dir)
    try:
        found = DemoAddresses(**json.loads(file.read_text("utf-8")))
        os.kill(found.pid, 0)
    except (OSError, ValueError, TypeError) as error:
        message = f"no demo runs on {data_dir.absolute()}: start one with `make run`"
        raise DemoError(message) from error
    return found


def operator_settings() -> Settings:
    """The settings of a command that works beside a running service.

    Beside a demo they are the demo's, without the tokens and secrets that it made up. Raises
    SettingsError.
    """
    settings = load_settings(mode=Mode.OPERATE)
    try:
        demo = running_demo(settings.data_dir)
    except DemoError:
        return settings
    own_model = has_own_model(settings)
    settings = with_accounts(settings, persona_file(settings.data_dir), None)
    settings = settings.model_copy(update={"event_rules": _rules(settings)})
    return pointed_at(settings, demo.simulator, demo.service, own_model=own_model)


def demo_key(data_dir: Path) -> SecretStr | None:
    """The key that demos on this data folder use where none is given; None before the first one.

    Kept, unlike other secrets that the demo makes up: what was erased under it stays forgotten.
    """
    try:
        return SecretStr(_key_file(data_dir).read_text("utf-8"))
    except OSError:  # there was none yet
        return None


def with_kept_key(settings: Settings) -> Settings:
    """The settings with the key of earlier demos on this data folder; keeps it where it is new.

    A key that the environment or the file gives is left alone.
    """
    if load_settings(mode=Mode.OPERATE).encryption_key is not None:
        return settings
    known = demo_key(settings.data_dir)
    if known is None and settings.encryption_key is not None:
        file = _key_file(settings.data_dir)
        file.touch(mode=0o600)
        file.write_text(settings.encryption_key.get_secret_value(), "utf-8")
    return settings.model_copy(update={"encryption_key": known or settings.encryption_key})


def _key_file(data_dir: Path) -> Path:
    return data_dir / "demo.key"


def persona_file(data_dir: Path) -> Path:
    """The persona that the demo answers from."""
    return data_dir.absolute() / "persona.md"


def has_own_model(settings: Settings) -> bool:
    """Whether the simulator's model answers."""
    return settings.openai_base_url is None and settings.openai_api_key is None


def with_accounts(settings: Settings, persona: Path, token: SecretStr | None) -> Settings:
    """The configured accounts, all reached through the simulator; else the demo's own one.

    Raises SettingsError where schedules or event rules are of another one.
    """
    accounts = settings.accounts or (Account(id=DEMO_ACCOUNT, name="Vestlus demo"),)
    own = tuple(
        account.model_copy(update={"access_token": token, "persona": account.persona or persona})
        for account in accounts
    )
    settings = settings.model_copy(update={"accounts": own}).with_accounts_of_plans()
    ids = [one.id for one in own]
    problems = [
        problem
        for table in PLANS
        for problem in strangers([one.account for one in getattr(settings, table)], ids, table)
    ]
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def with_plans(settings: Settings, now_ms: int) -> Settings:
    """A schedule that is due with the next minute, and an event rule, where there are none."""
    schedules = settings.schedules or (_schedule(settings.accounts[0], now_ms),)
    return settings.model_copy(update={"schedules": schedules, "event_rules": _rules(settings)})


def pointed_at(settings: Settings, simulator: str, service: str, *, own_model: bool) -> Settings:
    """The settings with the simulator in the place of Instagram, and of the model perhaps."""
    update: dict[str, Any] = {
        "graph_url": f"{simulator}/graph/v25.0",
        # The simulator fetches the bank's pictures from us, and we fetch users' pictures from it.
        "public_url": settings.public_url or service,
        "media_hosts": (*settings.media_hosts, urlsplit(simulator).netloc),
        "image_folder": settings.image_folder or starter_folder(),
    }
    if own_model:
        update |= {
            "openai_base_url": f"{simulator}/openai/v1",
            "openai_api_key": SecretStr("not needed by the simulator"),
            "model": "simulator",
        }
    return settings.model_copy(update=update)


def _schedule(account: Account, now_ms: int) -> Schedule:
    # Another time at each start: so it is another post, and one only.
    wall = wall_at(now_ms, ZoneInfo(account.timezone)).replace(second=0, microsecond=0)
    return Schedule(
        name="tutvustus",
        account=account.id,
        at=wall + _MINUTE,
        tags=("asukoht",),
        not_again_days=0,
        prompt=("Kutsu inimesi külla ja ütle, kust meid leiab: aadress ja peatus."),
        approve=False,
    )


def _rules(settings: Settings) -> tuple[EventRule, ...]:
    own = EventRule(
        name="lahtiolek",
        event=DEMO_EVENT,
        payload={},
        account=settings.accounts[0].id,
        tags=("lahtiolekuajad",),
        not_again_days=0,
        prompt=(
            "Teata, et oleme täna avatud tavalisest kauem"
            "{% if event.until is defined %}, kuni kella {{ event.until }}-ni{% endif %}. "
            "Nimeta ka tavalised lahtiolekuajad."
        ),
        approve=False,
    )
    return settings.event_rules or (own,)
