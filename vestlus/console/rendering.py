"""Pages from templates, with the headers that keep a browser from doing anything else with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from vestlus.console.codes import Codes
from vestlus.console.places import PLACES
from vestlus.console.words import Language, known, words

#: No script and no style but ours from a file, nothing from elsewhere, no frame around us.
CONTENT_SECURITY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

PAGE_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": CONTENT_SECURITY,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

#: Where files are served, with a digest of their contents in the address.
STATIC_PATH: Final = "/console/static"

_FOLDER: Final = resources.files("vestlus.console").joinpath("static")


def _read(names: tuple[str, ...]) -> dict[str, tuple[str, bytes]]:
    found = {}
    for name in names:
        content = _FOLDER.joinpath(*name.split("/")).read_bytes()
        found[name] = (sha256(content).hexdigest()[:16], content)
    return found


#: Name → digest and content. They are few and small, and never change while a process lives.
FILES: Final = _read(
    (
        "console.css",
        "console.js",
        "content.js",
        "icon.svg",
        "vendor/htmx.min.js",
        "vendor/htmx-sse.min.js",
        "vendor/idiomorph-ext.min.js",
    )
)


#: Later moments cannot be written as a date in every zone. Instagram's times are whatever whoever
#: signed the webhook wrote.
LAST_MS: Final = 253_402_214_400_000


def static(name: str) -> str:
    """The address of a file. Raises KeyError for one that there is not."""
    return f"{STATIC_PATH}/{FILES[name][0]}/{name}"


def moment(at_ms: int, language: Language, zone: ZoneInfo) -> str:
    """A time as people of that language write it; a dash for none."""
    if at_ms <= 0:
        return "–"
    at = datetime.fromtimestamp(min(at_ms, LAST_MS) / 1000, UTC)
    return format_datetime(at, "medium", tzinfo=zone, locale=str(language))


def ago(at_ms: int, now_ms: int, language: Language) -> str:
    """How long ago that was, in words; a dash for never."""
    if at_ms <= 0:
        return "–"
    past = timedelta(milliseconds=min(at_ms, LAST_MS) - now_ms)
    return format_timedelta(past, add_direction=True, locale=str(language))


def number(value: float, language: Language) -> str:
    """A number as people of that language write it."""
    return format_decimal(value, locale=str(language))


def _environment() -> Environment:
    # What is not defined is an error, and what users wrote is escaped.
    environment = Environment(
        loader=PackageLoader("vestlus.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static
    environment.globals["PLACES"] = PLACES
    environment.globals["known"] = known
    return environment


_ENVIRONMENT: Final = _environment()


def rendered(
    template: str,
    language: Language,
    *,
    now_ms: int,
    zone: ZoneInfo,
    status: HTTPStatus = HTTPStatus.OK,
    **values: object,
) -> HTMLResponse:
    """A page. Templates have ``t(key, …)`` for words, ``moment``, ``ago``, ``number``, ``codes``
    for what the program writes in codes, and in ``clock`` the name of the zone.
    """
    said: Callable[..., str] = partial(words, language)
    text = _ENVIRONMENT.get_template(template).render(
        **values,
        t=said,
        language=language,
        moment=lambda at_ms: moment(at_ms, language, zone),
        codes=Codes(language),
        ago=lambda at_ms: ago(at_ms, now_ms, language),
        number=lambda value: number(value, language),
        now_ms=now_ms,
        clock=zone.key,
    )
    return HTMLResponse(text, status_code=status, headers=dict(PAGE_HEADERS))
