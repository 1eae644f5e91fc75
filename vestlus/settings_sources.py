"""Where settings came from, and how they are shown to people: never a secret, nor its length."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo


class Source(StrEnum):
    """Where a setting came from."""

    ENVIRONMENT = "environment"
    FILE = "file"
    #: Made up or chosen when the service was started, as the demo does.
    START = "start"
    DEFAULT = "default"


Sources = Mapping[str, Source]

#: Fields whose entries are ``name=secret``: the names are shown.
_NAMED_SECRETS: Final = frozenset({"event_tokens"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting as it may be seen."""

    #: As it is written, below its table.
    name: str
    #: Empty where there is none, or where it is a secret.
    value: str
    source: Source
    secret: bool = False
    #: Whether it has any value.
    given: bool = True


def sources_of(origin: Mapping[str, str]) -> Sources:
    """The source of each field that was given, from how each was named: ``FILE: KEY`` in a file,
    a single name in the environment.
    """
    found: dict[str, Source] = {}
    for place, named in origin.items():
        came = Source.FILE if ": " in named else Source.ENVIRONMENT
        found.setdefault(place.partition(".")[0], came)
    return found


def shown(
    model: BaseModel,
    sources: Sources,
    source: Source | None = None,
    *,
    without: Collection[str] = (),
) -> Iterator[Shown]:
    """Each setting of a model but those ``without``, with those of its tables below them.
    ``source`` is that of all of them, where they lie in a table that came as a whole.
    """
    for name, field in type(model).model_fields.items():
        if name in without:
            continue
        value = getattr(model, name)
        given = name in model.model_fields_set
        came = source or sources.get(name, Source.START)
        yield from _shown(name, value, field, came if given else Source.DEFAULT)


def _shown(name: str, value: object, field: FieldInfo, came: Source) -> Iterator[Shown]:
    if isinstance(value, BaseModel):
        yield from _below(name, value, came)
    elif isinstance(value, tuple) and value and all(isinstance(one, BaseModel) for one in value):
        for place, item in enumerate(value):
            yield from _below(f"{name}[{place}]", item, came)
    elif name in _NAMED_SECRETS:
        names = ", ".join(str(_plain(one)).partition("=")[0] for one in _items(value))
        yield Shown(name, names, came, secret=True, given=bool(value))
    elif _is_secret(value):
        yield Shown(name, "", came, secret=True, given=bool(value))
    else:
        told = _hidden(value) if field.repr is False else _written(value)
        yield Shown(name, told, came, given=value not in (None, "", (), {}))


def _below(name: str, model: BaseModel, came: Source) -> Iterator[Shown]:
    for one in shown(model, {}, came):
        yield replace(one, name=f"{name}.{one.name}")


def _hidden(value: object) -> str:
    """What may be seen of a value that may hold a secret."""
    if isinstance(value, Mapping):
        return ", ".join(map(str, value))
    return _place(str(value)) if value else ""


def _items(value: object) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _is_secret(value: object) -> bool:
    return isinstance(value, SecretStr) or any(isinstance(one, SecretStr) for one in _items(value))


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and "://" in value and "@" in value:
        return _place(value)
    if isinstance(value, Path):
        # Its folders say more about the machine than anybody needs.
        return value.name
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_written(one)}" for key, one in value.items())
    if isinstance(value, tuple):
        return ", ".join(_written(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _place(address: str) -> str:
    """Scheme, host and port of an address that may hold a password or a key anywhere else; of a
    file its name.
    """
    parts = urlsplit(address)
    if parts.scheme in ("sqlite", "file"):
        return f"{parts.scheme}: {Path(parts.path).name}"
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"
