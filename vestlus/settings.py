"""The settings: environment and ``vestlus.toml``, read once at the root, all failures at once.

The environment wins over the file. In the file the keys are the environment's names; secrets
there are written ``env:NAME``. ``docs/settings.md`` has the table.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
)

from vestlus.errors import SettingsError
from vestlus.retention.accounts import AccountPeriods
from vestlus.scaling.size import ONE
from vestlus.settings_account import Account, Answers
from vestlus.settings_events import EventRule, EventTokens, event_source
from vestlus.settings_file import SINGLE_TABLES, TABLES, meant, read_file
from vestlus.settings_plans import memory_problems, plan_problems, repeated, with_account
from vestlus.settings_prices import Prices, price_problems
from vestlus.settings_retention import Retention
from vestlus.settings_schedules import Schedule
from vestlus.settings_secrets import SHORTEST_KEY, SHORTEST_TOKEN, short_key, short_operator_token
from vestlus.settings_sign_in import SignIn
from vestlus.settings_sources import Sources, sources_of
from vestlus.settings_values import (
    OptionalSecret,
    OptionalText,
    Pool,
    Secrets,
    Text,
    Token,
    address,
    blank_is_missing,
    comma_separated,
    not_blank,
)
from vestlus.settings_wordings import place, wording

#: Small, cheap and current; any model of the Responses API with structured output serves.
DEFAULT_MODEL = "gpt-5.4-mini"
DEFAULT_GRAPH_URL = "https://graph.instagram.com/v25.0"

#: Names that start like settings and belong to the tests and to the simulator.
_FOREIGN_PREFIXES = ("VESTLUS_TEST_", "VESTLUS_SIMULATOR_")


#: Fields that nobody sets by name.
_DERIVED = frozenset({"otel", "readable_logs"})


class Mode(StrEnum):
    """What is being started."""

    SERVE = "serve"
    DEMO = "demo"
    #: A command that works on the store and the bus beside a running service.
    OPERATE = "operate"


class Settings(BaseModel):
    """Everything that can be set. Frozen; pickles, so that actors get it by constructor."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    data_dir: Annotated[Path, BeforeValidator(not_blank)] = Path("var")
    #: Not shown by ``repr``, like the next: they may hold passwords.
    bus_url: Annotated[OptionalText, Field(repr=False)] = None
    database_url: Annotated[OptionalText, Field(repr=False)] = None
    http_host: Text = "0.0.0.0"  # noqa: S104 - the design's default for `serve`
    http_port: Annotated[int, Field(ge=1, le=65535)] = 8000
    ingress: Literal["haproxy", "default"] = "default"
    public_url: OptionalText = None
    app_secrets: Secrets = ()
    verify_token: OptionalSecret = None
    operator_token: OptionalSecret = None
    event_tokens: EventTokens = ()
    encryption_key: OptionalSecret = None
    graph_url: str = DEFAULT_GRAPH_URL
    account_id: OptionalText = None
    access_token: OptionalSecret = None
    openai_api_key: Annotated[Token | None, BeforeValidator(blank_is_missing)] = None
    openai_base_url: OptionalText = None
    model: Text = DEFAULT_MODEL
    embedding_model: Text = "text-embedding-3-small"
    openai_api: Literal["responses", "chat"] = "responses"
    #: Longest wait for the rest of a burst, seconds; 0 answers at once.
    burst_wait_seconds: Annotated[float, Field(ge=0, le=60)] = 1.5
    partitions: Annotated[int, Field(ge=1, le=1024)] = 16
    conversation_actors: Pool = ONE
    publisher_actors: Pool = ONE
    webhook_replicas: Pool = ONE
    #: For how long an ``auto`` pool of actors is quiet before one of them is taken away, seconds.
    shrink_after_seconds: Annotated[float, Field(ge=30, le=86_400)] = 300.0
    #: Processors that Ray sets aside for each ConversationActor and PublisherActor. They may use
    #: more; with so few, a laptop has room for all of them, and no cluster is asked for a node.
    actor_cpus: Annotated[float, Field(ge=0.01, le=16)] = 0.1
    #: Whether actors go only to nodes that offer their role: ``actors/roles.py``.
    node_roles: bool = False
    #: Conversations that each ConversationActor keeps in memory while nothing in them is
    #: unanswered, and what they may take there, megabytes.
    live_conversations: Annotated[int, Field(ge=0)] = 100_000
    live_memory_mb: Annotated[int, Field(ge=0)] = 700
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    #: Answers by the model that one user of an account gets within an hour and within a day, where
    #: the account says nothing else; 0 for no limit.
    answers_per_user_hour: Answers = 100
    answers_per_user_day: Answers = 400
    #: How long after an ambiguous send its absence at Instagram counts as proof, seconds.
    settling_seconds: Annotated[float, Field(ge=1, le=3600)] = 60.0
    #: Between two looks for messages whose webhooks were missed, minutes; 0 for none by itself.
    missed_sweep_minutes: Annotated[float, Field(ge=0, le=1440)] = 10.0
    #: Missed messages older than this are not answered but shown, hours.
    missed_stale_hours: Annotated[float, Field(ge=0, le=24)] = 6.0
    #: A folder with pictures and their ``catalogue.toml``, read into the store at start.
    image_folder: Annotated[
        Path | None, BeforeValidator(not_blank), BeforeValidator(blank_is_missing)
    ] = None
    #: Where the bank's files are kept: a folder, or ``https://…`` of a container of Azure Blob
    #: Storage. Not shown by ``repr``: it may hold a signature.
    media_url: Annotated[OptionalText, Field(repr=False)] = None
    #: Hosts from which users' pictures are fetched besides Meta's own; for the simulator.
    media_hosts: Annotated[tuple[str, ...], BeforeValidator(comma_separated)] = ()
    #: Where e-mail is handed in: ``smtp://USER:PASSWORD@HOST:PORT``, ``smtps://`` for TLS at once.
    smtp_url: Annotated[OptionalText, Field(repr=False)] = None
    #: Whom e-mail comes from.
    email_from: OptionalText = None
    accounts: tuple[Account, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    event_rules: tuple[EventRule, ...] = ()
    retention: Retention = Retention()
    prices: Prices = Prices()
    #: OpenTelemetry's own variables, ``OTEL_…``, for processes elsewhere. Not shown by ``repr``:
    #: they may hold a key.
    otel: Annotated[dict[str, str], Field(repr=False)] = {}
    #: Whether log lines are for people, whoever reads them: in the demo.
    readable_logs: bool = False
    sign_in: SignIn = SignIn()
    #: Where each came from, by field; what is not here is a default.
    _sources: Sources = PrivateAttr(default_factory=dict)

    @field_validator("bus_url")
    @classmethod
    def _bus_address(cls, value: str | None) -> str | None:
        return address(value, ("sqlite", "amqp", "amqps"))

    @field_validator("database_url")
    @classmethod
    def _database_address(cls, value: str | None) -> str | None:
        checked = address(value, ("sqlite", "postgresql"))
        if parse_qs(urlsplit(checked or "").query).get("pooler", ["transaction"]) != [
            "transaction"
        ]:
            raise ValueError("must have pooler=transaction, or no pooler")
        return checked

    @field_validator("smtp_url")
    @classmethod
    def _mail_address(cls, value: str | None) -> str | None:
        return address(value, ("smtp", "smtps"))

    @field_validator("media_url")
    @classmethod
    def _files_address(cls, value: str | None) -> str | None:
        return address(value, ("file", "http", "https"))

    @field_validator("graph_url", "openai_base_url", "public_url")
    @classmethod
    def _http_address(cls, value: str | None) -> str | None:
        checked = address(value, ("http", "https"))
        return checked.rstrip("/") if checked else checked

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @property
    def bus(self) -> str:
        """The bus's address, the embedded one's by default."""
        return self.bus_url or f"sqlite:///{self.data_dir.absolute() / 'bus.sqlite'}"

    @property
    def database(self) -> str:
        """The store's address, the embedded one's by default."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'store.sqlite'}"

    @property
    def media(self) -> str:
        """Where the bank's files are, a folder of the data folder by default."""
        return self.media_url or f"file://{self.data_dir.absolute() / 'media'}"

    @property
    def periods(self) -> AccountPeriods:
        """How long things are kept."""
        return self.retention.with_accounts({one.id: one.retention for one in self.accounts})

    @property
    def secrets(self) -> tuple[str, ...]:
        """The app secrets that may sign webhooks."""
        return tuple(secret.get_secret_value() for secret in self.app_secrets)

    @property
    def event_sources(self) -> tuple[tuple[str, str], ...]:
        """Who may send events: pairs of a source and its token."""
        return tuple(event_source(entry) for entry in self.event_tokens)

    def account(self, account: str) -> Account | None:
        """The settings of one account, if it is one of ours."""
        return next((one for one in self.accounts if one.id == account), None)

    def accounts_by_id(self) -> dict[str, Account]:
        """The same for who asks with every message: however many accounts there are."""
        return {one.id: one for one in reversed(self.accounts)}

    @property
    def sources(self) -> Sources:
        """Where each setting came from, by field; what is not there is a default."""
        return dict(self._sources)

    def told_from(self, sources: Sources) -> Self:
        """The same, which knows where it came from."""
        told = self.model_copy()
        told._sources = sources  # noqa: SLF001 - one of us
        return told

    def with_allowances(self) -> Self:
        """The same, where accounts that do not say how much each user gets say it."""
        names = ("answers_per_user_hour", "answers_per_user_day")
        accounts = tuple(
            one.model_copy(
                update={name: getattr(self, name) for name in names if getattr(one, name) is None}
            )
            for one in self.accounts
        )
        return self.model_copy(update={"accounts": accounts})

    def with_accounts_of_plans(self) -> Self:
        """The same, where schedules and event rules that name no account name the only one."""
        ids = [one.id for one in self.accounts]
        plans = {
            "schedules": with_account(self.schedules, ids),
            "event_rules": with_account(self.event_rules, ids),
        }
        return self.model_copy(update=plans)


def environment_names() -> dict[str, str]:
    """Environment name → field."""
    own = {
        f"VESTLUS_{field.upper()}": field
        for field in Settings.model_fields
        if field not in TABLES and field not in SINGLE_TABLES and field not in _DERIVED
    }
    del own["VESTLUS_OPENAI_API_KEY"], own["VESTLUS_OPENAI_BASE_URL"]
    return own | {"OPENAI_API_KEY": "openai_api_key", "OPENAI_BASE_URL": "openai_base_url"}


#: What ``vestlus serve`` cannot do without, and how to get it.
_REQUIRED: Mapping[str, str] = {
    "app_secrets": "the app secret from Meta's app dashboard",
    "verify_token": "a word of your choice, entered in Meta's webhook form too",
    "operator_token": (
        f"a long random word, at least {SHORTEST_TOKEN} characters; operators sign in with it"
    ),
    "encryption_key": "a long random word, at least 32 characters, kept for as long as the data",
}


def load_settings(environ: Mapping[str, str] | None = None, *, mode: Mode = Mode.SERVE) -> Settings:
    """Reads the settings. Raises SettingsError with every problem, one line each.

    In the demo what is required is made up where it is missing: nothing real is reached.
    """
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    names = environment_names()
    values, origin = read_file(environ, names, problems)
    for name, field in names.items():
        if name in environ:
            values[field] = environ[name]
            origin[field] = name
    problems += _misspelt(environ, names)
    values["otel"] = {k: v for k, v in environ.items() if k.startswith("OTEL_")}
    _defaults_of_mode(values, mode)
    _single_account(values, origin, problems)
    problems += repeated(values, origin, "accounts", "id")
    problems += plan_problems(values, origin)
    if mode is Mode.DEMO:
        _make_up(values)
    elif mode is Mode.SERVE:
        problems += _missing(values)
    if mode is not Mode.OPERATE:
        problems += short_operator_token(values)
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(values).with_accounts_of_plans().with_allowances()
    except ValidationError as error:
        problems += _readable(error, origin, names)
    else:
        problems += [*price_problems(settings, origin), *memory_problems(settings, origin)]
    if settings is None or problems:
        raise SettingsError(tuple(dict.fromkeys(problems)))
    return settings.told_from(sources_of(origin))


def _misspelt(environ: Mapping[str, str], names: Mapping[str, str]) -> list[str]:
    known = {*names, "VESTLUS_CONFIG"}
    return [
        f"{name}: is not a setting{meant(name, known)}"
        for name in environ
        if name.startswith("VESTLUS_")
        and name not in known
        and not name.startswith(_FOREIGN_PREFIXES)
    ]


def _defaults_of_mode(values: dict[str, Any], mode: Mode) -> None:
    if mode is Mode.DEMO:
        values.setdefault("http_host", "127.0.0.1")
        values["readable_logs"] = True
        # Whoever tries it out is one user who writes a lot.
        values.setdefault("answers_per_user_hour", 0)
        values.setdefault("answers_per_user_day", 0)
    elif sys.platform == "linux":
        values.setdefault("ingress", "haproxy")


def _single_account(values: dict[str, Any], origin: dict[str, str], problems: list[str]) -> None:
    """The account of VESTLUS_ACCOUNT_ID and VESTLUS_ACCESS_TOKEN is one like those of the file.

    Without the token it is one that ``vestlus accounts connect`` gives its token.
    """
    account, token = values.get("account_id"), values.get("access_token")
    if not account:
        if token:
            problems.append("VESTLUS_ACCOUNT_ID: is missing; it says whose the token is")
        return
    listed = values.get("accounts", [])
    place = next((at for at, entry in enumerate(listed) if entry.get("id") == account), len(listed))
    if place == len(listed):
        listed = [*listed, {"id": account}]
        origin[f"accounts.{place}.id"] = origin["account_id"]
    values["accounts"] = listed
    if token:
        listed[place]["access_token"] = token
        origin[f"accounts.{place}.access_token"] = origin["access_token"]


def _make_up(values: dict[str, Any]) -> None:
    for name in _REQUIRED:
        if not values.get(name):
            values[name] = secrets.token_urlsafe(SHORTEST_KEY)


def _missing(values: Mapping[str, Any]) -> list[str]:
    problems = [
        f"VESTLUS_{name.upper()}: is missing: {what}"
        for name, what in _REQUIRED.items()
        if not values.get(name)
    ]
    problems += short_key(values)
    if not values.get("openai_api_key") and not values.get("openai_base_url"):
        problems.append("OPENAI_API_KEY: is missing; or OPENAI_BASE_URL, for a compatible server")
    if not values.get("accounts"):
        problems.append(
            "VESTLUS_ACCOUNT_ID, VESTLUS_ACCESS_TOKEN: are missing, "
            "and vestlus.toml has no accounts"
        )
    return problems


def _readable(
    error: ValidationError, origin: Mapping[str, str], names: Mapping[str, str]
) -> list[str]:
    """A line for each problem: the name as the user wrote it and what is wrong."""
    where = {field: name for name, field in names.items()} | dict(origin)
    lines = []
    for one in error.errors(include_url=False):
        steps = place(one)
        known = next((n for n in range(len(steps), 0, -1) if ".".join(steps[:n]) in where), 0)
        named = [where[".".join(steps[:known])]] if known else []
        tables = TABLES | SINGLE_TABLES
        table = tables.get(steps[0], "Vestlus") if steps else ""
        lines.append(f"{'.'.join([*named, *steps[known:]])}: {wording(one, table)}")
    return lines
