"""What forms say of pictures, and what is said where the bank refuses it."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError
from starlette.datastructures import FormData

from image_bank.catalogue import Picture
from image_bank.errors import CatalogueRefused
from vestlus.console.visits import text
from vestlus.console.words import Language, known, words

#: Fields of a description that are one line or a few words.
_TEXTS: Final = ("shows", "alt", "tags", "language", "rights", "accounts")
_YES: Final = ("ai_generated", "in_dms", "in_posts")
_OPTIONAL: Final = ("valid_from", "valid_until", "post")


def described_by(form: FormData) -> dict[str, Any]:
    """The values of a description, as ``describe`` takes them."""
    values: dict[str, Any] = {name: text(form, name) for name in _TEXTS}
    values |= {name: text(form, name) == "yes" for name in _YES}
    return values | {name: text(form, name) or None for name in _OPTIONAL}


def values_of(picture: Picture) -> dict[str, Any]:
    """The same of a picture that is in the bank."""
    return {
        "shows": picture.shows,
        "alt": picture.alt,
        "tags": ", ".join(picture.tags),
        "language": picture.language,
        "rights": picture.rights,
        "accounts": ", ".join(picture.accounts),
        "ai_generated": picture.ai_generated,
        "in_dms": picture.in_dms,
        "in_posts": picture.in_posts,
        "valid_from": picture.valid_from.isoformat() if picture.valid_from else None,
        "valid_until": picture.valid_until.isoformat() if picture.valid_until else None,
        "post": None,
    }


def refused_key(error: CatalogueRefused) -> str:
    """The word of a refusal, for the audit."""
    key = f"images.refused.{error.reason}"
    return key if error.reason and known(key) else "images.refused.unusable"


def refused_words(error: CatalogueRefused, language: Language) -> list[str]:
    """What is wrong, a line each, in the page's language where it has words for it."""
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        fields = dict.fromkeys(_field(one) for one in cause.errors(include_url=False))
        keys = [f"images.refused.field.{one}" for one in fields]
        return [words(language, one if known(one) else "images.refused.unusable") for one in keys]
    key = f"images.refused.{error.reason}"
    return [words(language, key)] if error.reason and known(key) else list(error.problems)


def _field(error: Any) -> str:  # noqa: ANN401 - pydantic's details
    if error["loc"]:
        return str(error["loc"][0])
    # Of the whole: its words begin with the field.
    said = str(error.get("ctx", {}).get("error", ""))
    return said.partition(":")[0].partition(",")[0]
