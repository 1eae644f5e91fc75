"""Which model is asked: the one of the settings, or the simulator's."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import SecretStr

from vestlus.errors import SettingsError
from vestlus.evaluation.questions import Evaluation
from vestlus.settings import Settings


def with_own_account(settings: Settings, evaluation: Evaluation) -> Settings:
    """The settings with the account that the file brings along, if it does."""
    if evaluation.account is None:
        return settings
    return settings.model_copy(update={"accounts": (*settings.accounts, evaluation.account)})


def require_model(settings: Settings, accounts: Collection[str]) -> None:
    """Raises SettingsError where one of the accounts has no key of a model's server."""
    if settings.openai_api_key is not None or settings.openai_base_url is not None:
        return
    if all(one.openai_api_key for one in settings.accounts if one.id in accounts):
        return
    missing = "OPENAI_API_KEY: is missing; or OPENAI_BASE_URL, for a compatible server; "
    raise SettingsError((missing + "or ask the simulator's model with --simulator",))


def pointed_at(settings: Settings, simulator: str) -> Settings:
    """The settings with the simulator's model for all accounts. ``simulator``: its address."""
    update: dict[str, Any] = {
        "openai_base_url": f"{simulator}/openai/v1",
        "openai_api_key": SecretStr("not-needed-by-the-simulator"),
        "model": "simulator",
        "accounts": tuple(
            one.model_copy(update={"openai_api_key": None, "model": None})
            for one in settings.accounts
        ),
    }
    return settings.model_copy(update=update)
