from __future__ import annotations

import json
from pathlib import Path

import pytest

from vestlus.conversation.reply import Concern
from vestlus.errors import SettingsError
from vestlus.evaluation.model import pointed_at, require_model, with_own_account
from vestlus.evaluation.questions import (
    FILE_ACCOUNT,
    Asked,
    Evaluation,
    EvaluationFileError,
    read_evaluation,
)
from vestlus.settings import Settings

ROOT = Path(__file__).parents[2]


def read(folder: Path, text: str, *accounts: str, default: str | None = None) -> Evaluation:
    file = folder / "eval.toml"
    file.write_text(text, "utf-8")
    return read_evaluation(file, accounts, default)


def problems(folder: Path, text: str, *accounts: str, default: str | None = None) -> list[str]:
    with pytest.raises(EvaluationFileError) as caught:
        read(folder, text, *accounts, default=default)
    prefix = f"{folder / 'eval.toml'}: "
    assert all(one.startswith(prefix) for one in caught.value.problems)
    return [one.removeprefix(prefix) for one in caught.value.problems]


def test_everything_that_can_be_expected_is_read(tmp_path: Path) -> None:
    text = """
[[questions]]
name = "kõik"
ask = ["Tere!", "Mis kell?"]
must = ["9–19", ["esmaspäev", "E"]]
must_not = "pühapäev"
language = "et"
handover = false
picture = "map"
account = "7"

[[questions]]
ask = "Ma ei taha enam elada"
concern = "emergency"
"""
    assert read(tmp_path, text, "7").questions == (
        Asked(
            name="kõik",
            ask=["Tere!", "Mis kell?"],  # type: ignore[arg-type]  # as a file has it
            must=["9–19", ["esmaspäev", "E"]],  # type: ignore[arg-type]
            must_not="pühapäev",  # type: ignore[arg-type]
            language="et",
            handover=False,
            picture="map",
            account="7",
        ),
        Asked(
            ask="Ma ei taha enam elada",  # type: ignore[arg-type]
            concern=Concern.EMERGENCY,
            account="7",
        ),
    )


def test_json_says_the_same_as_toml(tmp_path: Path) -> None:
    text = '[[questions]]\nask = "x"\nmust = [["a", "b"], "c"]\npicture = true'
    file = tmp_path / "eval.json"
    asked = {"ask": "x", "must": [["a", "b"], "c"], "picture": True}
    file.write_text(json.dumps({"questions": [asked]}))
    assert read_evaluation(file, ["1"]) == read(tmp_path, text, "1")


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    text = """
speed = 1
[account]
persona = "missing.md"
knowledge = "missing"
language = "estonian"
id = "5"
tone = "warm"
mask = ["shoe size"]

[[questions]]
must = "x"

[[questions]]
ask = " "
must = [[]]
must_not = [1]
language = "e"
handover = "no"
picture = 5
concern = "boredom"
account = "library"
reply = "x"

[[questions]]
ask = "Midagi?"

[[questions]]
ask = "Midagi?"
must = []

[[questions]]
ask = "Midagi?"
must = "x"
account = "9"
"""
    kinds = "personal_code", "card", "phone", "email"
    assert sorted(problems(tmp_path, text, "1", "2")) == sorted(
        [
            "speed: is not known here",
            "account.id: is not needed here",
            f"account.persona: there is no {tmp_path / 'missing.md'}",
            f"account.knowledge: there is no {tmp_path / 'missing'}",
            "account.language: must be a BCP 47 tag such as et, en-GB or zh-Hant",
            "account.tone: is not known here",
            "account.mask.0: must be one of "
            + ", ".join(f"'{one}'" for one in kinds[:-1])
            + f" or '{kinds[-1]}'",
            "questions.1.ask: is missing",
            "questions.2.ask: must not be blank",
            "questions.2.must: must not be blank",
            "questions.2.must_not: must be text in quotes, or a list of such",
            "questions.2.language: must be a BCP 47 tag such as et, en-GB or zh-Hant",
            "questions.2.handover: must be true or false",
            "questions.2.picture: must be a picture's id, true for any picture, or false for none",
            (
                "questions.2.concern: must be one of 'emergency', 'unsafe_messages', "
                "'unsafe_answer' or 'not_moderated'"
            ),
            "questions.2.account: must be 1 to 32 digits: the account's user_id",
            "questions.2.reply: is not known here",
            "questions.3: expects nothing, so that any answer would pass",
            "questions.4: expects nothing, so that any answer would pass",
            "questions.5.account: is not an account of vestlus.toml; one of 1, 2, 0",
        ]
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "questions: there are none"),
        ("questions = 5", "questions: must be tables, each written [[questions]]"),
        ("questions = ['x']", "questions: must be tables, each written [[questions]]"),
        (
            "account = 5\n[[questions]]\nask='x'\nmust='y'",
            "account: must be a table, written [account]",
        ),
    ],
)
def test_a_file_without_questions_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text, "1") == [problem]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("eval.toml", b"[[questions", "cannot be read as TOML"),
        ("eval.toml", b"name = '\xff'", "cannot be read as TOML"),
        ("eval.json", b"{", "cannot be read as JSON"),
        ("eval.json", b"[]", "must be an object with questions"),
        ("none.toml", None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(EvaluationFileError) as caught:
        read_evaluation(file, ["1"])
    assert str(caught.value).startswith(f"{file}: {words}")


ONE = "[[questions]]\nask = 'x'\nmust = 'y'\n"


@pytest.mark.parametrize(
    ("text", "accounts", "default", "account"),
    [
        (ONE, ("1",), None, "1"),
        (ONE, ("1", "2"), "2", "2"),
        (ONE + "account = '1'", ("1", "2"), "2", "1"),
        ("[account]\n" + ONE, (), None, FILE_ACCOUNT),
        ("[account]\n" + ONE, ("1",), None, FILE_ACCOUNT),
        ("[account]\n" + ONE, ("1",), "1", "1"),
        ("[account]\n" + ONE + "account = '1'", ("1",), None, "1"),
    ],
)
def test_each_question_has_an_account(
    tmp_path: Path, text: str, accounts: tuple[str, ...], default: str | None, account: str
) -> None:
    (question,) = read(tmp_path, text, *accounts, default=default).questions
    assert question.account == account


@pytest.mark.parametrize(
    ("accounts", "default", "problem"),
    [
        ((), None, "questions.1.account: is missing; vestlus.toml has none"),
        (("1", "2"), None, "questions.1.account: is missing; one of 1, 2"),
        (("1",), "3", "--account: is not an account of vestlus.toml; one of 1"),
    ],
)
def test_a_question_nobody_can_be_asked_is_refused(
    tmp_path: Path, accounts: tuple[str, ...], default: str | None, problem: str
) -> None:
    assert problems(tmp_path, ONE, *accounts, default=default) == [problem]


def test_the_files_of_its_own_account_are_where_the_file_is(tmp_path: Path) -> None:
    (tmp_path / "persona.md").write_text("Kes")
    (tmp_path / "docs").mkdir()
    account = "[account]\nname='X'\npersona='persona.md'\nknowledge='docs'\nfacts=['a']\n"
    evaluation = read(tmp_path, account + ONE)
    assert evaluation.account is not None
    assert evaluation.account.persona == tmp_path / "persona.md"
    assert evaluation.account.knowledge == tmp_path / "docs"
    assert evaluation.account.facts == ("a",)
    settings = with_own_account(Settings(), evaluation)
    assert settings.account(FILE_ACCOUNT) is evaluation.account


def test_the_example_is_in_order() -> None:
    evaluation = read_evaluation(ROOT / "examples" / "eval.toml", [])
    assert evaluation.account is not None
    assert len(evaluation.questions) > 5


def configured(**more: object) -> Settings:
    accounts = [{"id": "1", "access_token": "t"}, {"id": "2", "access_token": "t", "model": "own"}]
    accounts[1]["openai_api_key"] = "sk-own"
    return Settings.model_validate({"accounts": accounts, **more})


@pytest.mark.parametrize("more", [{"openai_api_key": "k"}, {"openai_base_url": "http://x/v1"}])
def test_a_key_or_another_server_is_enough_to_ask(more: dict[str, str]) -> None:
    require_model(configured(**more), {"1", "2"})


def test_an_accounts_own_key_is_enough_for_that_account() -> None:
    require_model(configured(), {"2"})
    with pytest.raises(SettingsError, match="--simulator"):
        require_model(configured(), {"1", "2"})


def test_with_the_simulator_no_account_reaches_anything_else() -> None:
    settings = pointed_at(configured(openai_api_key="sk-real"), "http://127.0.0.1:1")
    assert settings.openai_base_url == "http://127.0.0.1:1/openai/v1"
    assert settings.openai_api_key is not None
    assert "real" not in settings.openai_api_key.get_secret_value()
    assert [(one.openai_api_key, one.model) for one in settings.accounts] == [(None, None)] * 2
