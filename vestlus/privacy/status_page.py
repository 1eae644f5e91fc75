"""The public page under which whoever asked Meta for an erasure sees how far it is."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Final

from starlette.responses import HTMLResponse

from vestlus.store.erasing import Erasure, ErasureState, Way

_STYLE: Final = (
    "body{font:1.125rem/1.6 system-ui,sans-serif;color:#111;background:#fff;margin:0}"
    "main{max-width:40rem;margin:0 auto;padding:2rem 1rem}"
    "dt{font-weight:700}dd{margin:0 0 1rem;overflow-wrap:anywhere}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#111}}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
    "vary": "accept-language",
}

#: Only what holds on every store and broker: PostgreSQL and RabbitMQ overwrite freed space when
#: they need it, and how long backups live is up to whoever runs the service.
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "et": {
        "title": "Andmete kustutamine",
        "code": "Kinnituskood",
        "asked": "Taotlus saadud",
        "state": "Seis",
        "ended": "Lõpetatud",
        ErasureState.ERASED: (
            "Andmed on kustutatud: teenuses ei saa neid enam keegi vaadata ega kasutada. Ruumi, "
            "mille need salvestis võtsid, vabastatakse veel. Varukoopiates on andmed alles, kuni "
            "koopiad aeguvad."
        ),
        ErasureState.DONE: (
            "Andmed on kustutatud ja ruum, mille need salvestis võtsid, on vabastatud: see "
            "kirjutatakse üle, kui seda uuesti kasutatakse. Varukoopiates on andmed alles, kuni "
            "koopiad aeguvad."
        ),
        ErasureState.OPEN: (
            "Taotlus on saadud ja seda vaatab inimene. Kui olete meile Instagramis kirjutanud, "
            "saate oma vestluse andmete kustutamist ka seal soovida: kirjutage samasse vestlusesse "
            "„kustuta minu andmed“."
        ),
        "asked_in_chat": "Taotlus on saadud ja seda vaatab inimene.",
        "seen_to": (
            "Inimene on taotlusega tegelenud. Kui soovite teada, mis otsustati, kirjutage meile ja "
            "lisage kinnituskood."
        ),
        "unknown_title": "Sellist koodi ei ole",
        "unknown": "Kontrollige, kas kinnituskood on õigesti kirjutatud.",
        "away_title": "Praegu ei saa vaadata",
        "away": "Proovige mõne minuti pärast uuesti.",
    },
    "en": {
        "title": "Data deletion",
        "code": "Confirmation code",
        "asked": "Request received",
        "state": "Status",
        "ended": "Completed",
        ErasureState.ERASED: (
            "The data are erased: in the service nobody can see or use them any more. The space "
            "that they took in storage is still being freed. Backup copies keep the data until "
            "they expire."
        ),
        ErasureState.DONE: (
            "The data are erased, and the space that they took in storage is freed: it is "
            "overwritten when it is used again. Backup copies keep the data until they expire."
        ),
        ErasureState.OPEN: (
            "The request is received, and a person looks at it. If you have written to us on "
            "Instagram, you can also ask there to have that conversation's data erased: write "
            "“delete my data” in the same conversation."
        ),
        "asked_in_chat": "The request is received, and a person looks at it.",
        "seen_to": (
            "A person has seen to the request. To learn what was decided, write to us with the "
            "confirmation code."
        ),
        "unknown_title": "There is no such code",
        "unknown": "Please check that the confirmation code is spelt right.",
        "away_title": "The status cannot be shown just now",
        "away": "Please try again in a few minutes.",
    },
}

_RANGE: Final = re.compile(
    r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]{1,35})?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?"
)
#: Of a header that is looked at.
_MOST_LANGUAGES: Final = 20


def language_of(accepted: str) -> str:
    """Estonian or English, as a browser's ``Accept-Language`` prefers (RFC 9110, 12.5.4).

    English where it says nothing of either.
    """
    best, weight = "en", 0.0
    for part in accepted[:1000].split(",")[:_MOST_LANGUAGES]:
        match = _RANGE.fullmatch(part)
        if match is None or match[1].lower() not in _WORDS:
            continue
        quality = float(match[2]) if match[2] else 1.0
        if quality > weight:
            best, weight = match[1].lower(), quality
    return best


def status_page(erasure: Erasure, language: str) -> HTMLResponse:
    """How far an erasure is. Says nothing of whose it is, who asked, and how much there was."""
    words = _WORDS[language]
    rows = [
        (words["code"], escape(erasure.code)),
        (words["asked"], _time(erasure.asked_ms)),
        (words["state"], escape(words[_word(erasure)])),
    ]
    if erasure.done_ms:
        rows.append((words["ended"], _time(erasure.done_ms)))
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    return _page(language, words["title"], f"<dl>{listed}</dl>", 200)


def _word(erasure: Erasure) -> str:
    if erasure.state is ErasureState.OPEN and erasure.way is Way.CHAT:
        return "asked_in_chat"
    if erasure.closed_by_person:
        return "seen_to"
    return erasure.state


def unknown_page(language: str) -> HTMLResponse:
    """For a code that nobody was given."""
    words = _WORDS[language]
    return _page(language, words["unknown_title"], f"<p>{words['unknown']}</p>", 404)


def away_page(language: str) -> HTMLResponse:
    """For a moment at which the store does not answer."""
    words = _WORDS[language]
    page = _page(language, words["away_title"], f"<p>{words['away']}</p>", 503)
    page.headers["retry-after"] = "60"
    return page


def _page(language: str, title: str, content: str, status: int) -> HTMLResponse:
    return HTMLResponse(
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{content}</main></body></html>",
        status_code=status,
        headers=_HEADERS,
    )


def _time(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{at:%Y-%m-%d %H:%M} UTC</time>'
