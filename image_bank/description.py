"""What people say of a picture, in ``catalogue.toml`` or on the command line, and its check."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)

from image_bank.errors import CatalogueRefused
from image_bank.posts import Fit
from vestlus.settings_values import account_id, comma_separated, language_tag

#: Characters. All descriptions of a small bank are in every prompt.
MAX_SHOWS: Final = 500
#: Characters. Meta's limit of ``alt_text`` ("IG User Media" reference).
MAX_ALT: Final = 1000


def _not_blank(value: str) -> str:
    if not value:
        raise ValueError("must not be blank")
    return value


def _language(value: str) -> str:
    return language_tag(value) if value else value


_Word = Annotated[str, AfterValidator(_not_blank)]
_AccountId = Annotated[str, AfterValidator(account_id)]


class Description(BaseModel):
    """All of an entry that a person writes, but for its id and its file. See Picture."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    shows: Annotated[str, Field(max_length=MAX_SHOWS), AfterValidator(_not_blank)]
    alt: Annotated[str, Field(max_length=MAX_ALT)] = ""
    #: This and ``accounts`` may be one text with commas too.
    tags: Annotated[tuple[_Word, ...], BeforeValidator(comma_separated)] = ()
    language: Annotated[str, AfterValidator(_language)] = ""
    rights: str = ""
    #: Posts with it are disclosed as made with AI.
    ai_generated: StrictBool = False
    in_dms: StrictBool = True
    in_posts: StrictBool = True
    valid_from: date | None = None
    valid_until: date | None = None
    accounts: Annotated[tuple[_AccountId, ...], BeforeValidator(comma_separated)] = ()
    #: What is done with proportions that Instagram does not post.
    post: Fit | None = None

    @model_validator(mode="after")
    def _is_of_use(self) -> Description:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until: is before valid_from")
        if not self.in_dms and not self.in_posts:
            raise ValueError("in_dms, in_posts: one of them must be true")
        return self


def describe(where: str, values: Mapping[str, Any]) -> Description:
    """Checks what was written. Raises CatalogueRefused with a line ``where: field: problem`` for
    everything that is wrong.
    """
    try:
        return Description.model_validate(dict(values))
    except ValidationError as error:
        problems = [_readable(one) for one in error.errors(include_url=False)]
        raise CatalogueRefused(tuple(f"{where}: {one}" for one in problems)) from error


_WORDINGS: Final[Mapping[str, str]] = {
    "bool_type": "must be true or false",
    "date_from_datetime_inexact": "must be a day, without a time",
    "date_from_datetime_parsing": "must be a day such as 2026-12-31",
    "date_parsing": "must be a day such as 2026-12-31",
    "date_type": "must be a day such as 2026-12-31",
    "extra_forbidden": "is not a key of a picture",
    "literal_error": "must be one of {expected}",
    "missing": "is missing",
    "string_too_long": "is longer than {max_length} characters",
    "string_type": "must be text in quotes",
    "tuple_type": "must be a list of texts",
    "value_error": "{error}",
}


def _readable(error: Any) -> str:  # noqa: ANN401 - pydantic's details
    wording = _WORDINGS.get(error["type"], "has a value that cannot be used")
    said = wording.format(**error.get("ctx", {}))
    return ": ".join([".".join(str(step) for step in error["loc"]), said]) if error["loc"] else said
