"""The file of ``vestlus eval``: what is asked, and what is expected. See ``docs/eval.md``."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SecretStr,
    StrictBool,
    ValidationError,
)

from vestlus.conversation.reply import Concern
from vestlus.errors import VestlusError
from vestlus.evaluation.matching import normalised
from vestlus.settings_account import Account
from vestlus.settings_values import account_id, language_tag

#: The id of an account that a file brings along; no account of Instagram's has it.
FILE_ACCOUNT: Final = "0"


class EvaluationFileError(VestlusError):
    """The file cannot be used. ``problems`` has one line each, saying what to mend."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


def _texts(value: object) -> tuple[str, ...]:
    """A text, or a list of them; none of them blank."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise ValueError("must be text in quotes, or a list of such")
    if not listed or not all(normalised(one) for one in listed):
        raise ValueError("must not be blank")
    return tuple(listed)


def _facts(value: object) -> tuple[tuple[str, ...], ...]:
    """A list of facts, each a text or a list of texts of which one is enough."""
    listed = [value] if isinstance(value, str) else value
    if isinstance(listed, list):
        return tuple(map(_texts, listed))
    raise ValueError("must be a list of texts, or of lists of texts of which one is enough")


def _picture(value: object) -> object:
    if not isinstance(value, bool | str) or value == "":
        raise ValueError("must be a picture's id, true for any picture, or false for none")
    return value


class Asked(BaseModel):
    """A conversation, and what its last answer must be like. At least one thing is expected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: What the user writes, each after the answer to the one before.
    ask: Annotated[tuple[str, ...], BeforeValidator(_texts)]
    #: Of each of these, one text is in the answer.
    must: Annotated[tuple[tuple[str, ...], ...], BeforeValidator(_facts)] = ()
    #: None of these is in the answer.
    must_not: Annotated[tuple[str, ...], BeforeValidator(_texts)] = ()
    #: The language of the answer, BCP 47.
    language: Annotated[str, AfterValidator(language_tag)] | None = None
    handover: StrictBool | None = None
    #: The picture's id; true for any picture, false for none.
    picture: Annotated[str | bool, BeforeValidator(_picture)] | None = None
    #: What moderation has to find, as no model may answer this.
    concern: Concern | None = None
    account: Annotated[str, AfterValidator(account_id)] | None = None
    name: str = ""

    @property
    def title(self) -> str:
        """How it is called in results."""
        return self.name or self.ask[-1]

    @property
    def expects_something(self) -> bool:
        """Whether there is an answer that does not pass."""
        others = (self.language, self.handover, self.picture, self.concern)
        return bool(self.must or self.must_not) or any(one is not None for one in others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a file holds. ``account``: the one that it brings along, if it does."""

    questions: tuple[Asked, ...]
    account: Account | None = None


def read_evaluation(path: Path, accounts: Iterable[str], default: str | None = None) -> Evaluation:
    """Reads a file, TOML or, if it is called so, JSON.

    Each question of the result has an account: its own, or else ``default``, the file's own, or
    the only one of ``accounts``, which are the ids of those configured. Raises EvaluationFileError
    with every problem of the file.
    """
    table = _table(path)
    problems = [f"{key}: is not known here" for key in table if key not in ("account", "questions")]
    account = _account(table["account"], path.parent, problems) if "account" in table else None
    known = [*accounts, *([FILE_ACCOUNT] if "account" in table else [])]
    choice = _choice(default, known, problems, has_own="account" in table)
    questions = []
    for number, given in enumerate(_listed(table, problems), start=1):
        question = _question(given, number, problems)
        if question is None:
            continue
        if question.account is None and choice is None:
            problems.append(f"questions.{number}.account: is missing{_one_of(known)}")
        elif question.account is not None and question.account not in known:
            problem = "is not an account of vestlus.toml"
            problems.append(f"questions.{number}.account: {problem}{_one_of(known)}")
        questions.append(question.model_copy(update={"account": question.account or choice}))
    if problems:
        raise EvaluationFileError(tuple(dict.fromkeys(f"{path}: {one}" for one in problems)))
    return Evaluation(questions=tuple(questions), account=account)


def _choice(
    default: str | None, known: Sequence[str], problems: list[str], *, has_own: bool
) -> str | None:
    """The account of questions that name none."""
    if default is not None:
        if default not in known:
            problems.append(f"--account: is not an account of vestlus.toml{_one_of(known)}")
        return default
    if has_own:
        return FILE_ACCOUNT
    return known[0] if len(known) == 1 else None


def _one_of(known: Sequence[str]) -> str:
    return f"; one of {', '.join(known)}" if known else "; vestlus.toml has none"


def _listed(table: Mapping[str, Any], problems: list[str]) -> list[dict[str, Any]]:
    listed = table.get("questions", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        problems.append("questions: must be tables, each written [[questions]]")
        return []
    if not listed:
        problems.append("questions: there are none")
    return listed


def _table(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
        table = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        problem = f"{path}: cannot be read: {error.strerror}"
        raise EvaluationFileError((problem,)) from error
    except ValueError as error:  # of JSON, of TOML, or no UTF-8
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise EvaluationFileError((f"{path}: cannot be read as {kind}: {error}",)) from error
    if not isinstance(table, dict):
        raise EvaluationFileError((f"{path}: must be an object with questions",))
    return table


def _question(given: Mapping[str, Any], number: int, problems: list[str]) -> Asked | None:
    try:
        question = Asked.model_validate(given)
    except ValidationError as error:
        problems += _readable(error, f"questions.{number}")
        return None
    if not question.expects_something:
        problems.append(f"questions.{number}: expects nothing, so that any answer would pass")
    return question


def _account(given: object, folder: Path, problems: list[str]) -> Account | None:
    """The file's own account; its files are where the file is."""
    if not isinstance(given, dict):
        problems.append("account: must be a table, written [account]")
        return None
    values = dict(given)
    needless = [name for name in ("id", "access_token") if values.pop(name, None) is not None]
    problems += [f"account.{name}: is not needed here" for name in needless]
    for name, is_there in (("persona", Path.is_file), ("knowledge", Path.is_dir)):
        if isinstance(values.get(name), str):
            values[name] = (folder / values[name]).absolute()
            if not is_there(values[name]):
                problems.append(f"account.{name}: there is no {values[name]}")
    values |= {"id": FILE_ACCOUNT, "access_token": SecretStr("unused")}
    try:
        return Account.model_validate(values)
    except ValidationError as error:
        problems += _readable(error, "account")
        return None


#: What pydantic finds wrong, in plain words; see the wordings of the settings.
_WORDINGS: Final[Mapping[str, str]] = {
    "bool_type": "must be true or false",
    "enum": "must be one of {expected}",
    "extra_forbidden": "is not known here",
    "literal_error": "must be one of {expected}",
    "missing": "is missing",
    "string_type": "must be text in quotes",
    "tuple_type": "must be a list",
    "value_error": "{error}",
}


def _readable(error: ValidationError, where: str) -> list[str]:
    found = []
    for one in error.errors(include_url=False):
        wording = _WORDINGS.get(one["type"], "has a value that cannot be used")
        place = ".".join([where, *(str(step) for step in one["loc"])])
        found.append(f"{place}: {wording.format(**one.get('ctx', {}))}")
    return found
