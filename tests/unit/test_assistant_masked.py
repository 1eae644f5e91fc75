from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vestlus.assistant.masked import hide, hide_past
from vestlus.assistant.port import Past, Question
from vestlus.conversation.history import HistoryMessage, Role

KINDS = ("personal_code", "card", "phone", "email")
PHONE, EMAIL = "+372 5555 1234", "mari@example.ee"


def said(text: str, role: Role = Role.USER, *images: str) -> HistoryMessage:
    return HistoryMessage(role, text, 7, "m1", images)


def question(*texts: str, summary: str = "") -> Question:
    return Question(
        account="1",
        user="u",
        history=(said(f"Olen {EMAIL}"), said(f"Kas {PHONE}?", Role.OPERATOR)),
        messages=tuple(said(text, Role.USER, "https://a.fbcdn.net/1") for text in texts),
        now_ms=1,
        summary=summary,
        pictures_sent=("menu",),
        language="et",
    )


def test_the_same_data_has_the_same_mark_in_all_texts() -> None:
    hidden = hide(question(f"Jah, {PHONE} ja {EMAIL}", summary=f"Kirjutas {EMAIL}"), KINDS)
    shown = hidden.question
    assert shown.summary == "Kirjutas [email-1]"
    assert [one.text for one in shown.history] == ["Olen [email-1]", "Kas [phone-1]?"]
    assert [one.text for one in shown.messages] == ["Jah, [phone-1] ja [email-1]"]
    assert hidden.restore("[phone-1] või [email-1]") == f"{PHONE} või {EMAIL}"
    assert hidden.restore("[phone-2]") == "[phone-2]"


def test_nothing_but_the_texts_changes() -> None:
    asked = question("Tere", PHONE)
    shown = hide(asked, KINDS).question
    for before, after in zip(
        (*asked.history, *asked.messages), (*shown.history, *shown.messages), strict=True
    ):
        assert (before.role, before.at_ms, before.mid, before.images) == (
            after.role,
            after.at_ms,
            after.mid,
            after.images,
        )
    assert (shown.account, shown.user, shown.pictures_sent) == ("1", "u", ("menu",))


def test_kinds_that_are_not_asked_for_stay() -> None:
    assert hide(question(PHONE), ()).question == question(PHONE)
    shown = hide(question(f"{PHONE} {EMAIL}"), ["email"]).question
    assert shown.messages[0].text == f"{PHONE} [email-1]"


def test_a_past_is_masked_alike() -> None:
    past = Past(
        account="1", user="u", summary=f"Kirjutas {EMAIL}", messages=(said(f"Olen {EMAIL}"),)
    )
    shown, restore = hide_past(past, KINDS)
    assert (shown.summary, shown.messages[0].text) == ("Kirjutas [email-1]", "Olen [email-1]")
    assert restore("Kasutaja [email-1]") == f"Kasutaja {EMAIL}"
    assert hide_past(past, ())[0] == past


def test_the_account_s_own_contacts_are_not_masked() -> None:
    own = ("Vasta viisakalt.", "Kalda vald", "Telefon +372 612 3000, info@vald.ee")
    asked = question("Kas 612 3000 ja Info@vald.ee on õiged? Minu oma on 5123 4567.")
    hidden = hide(asked, KINDS, own)
    assert hidden.question.messages[0].text == (
        "Kas 612 3000 ja Info@vald.ee on õiged? Minu oma on [phone-2]."
    )
    assert [one.text for one in hidden.question.history] == ["Olen [email-1]", "Kas [phone-1]?"]
    past = Past(account="1", user="u", summary="", messages=asked.messages)
    assert hide_past(past, KINDS, own)[0].messages[0].text == (
        "Kas 612 3000 ja Info@vald.ee on õiged? Minu oma on [phone-1]."
    )


pieces = st.sampled_from([PHONE, EMAIL, "37605030299", "[email-1]", "[phone-1]", " Tere ", "õ 12 "])


@given(st.lists(st.lists(pieces).map(" ".join), min_size=1, max_size=4))
def test_what_is_masked_is_restored_as_it_was(texts: list[str]) -> None:
    asked = question(*texts)
    hidden = hide(asked, KINDS)
    restored = tuple(hidden.restore(one.text) for one in hidden.question.messages)
    assert restored == tuple(one.text for one in asked.messages)
    assert EMAIL not in str(hidden.question)
    assert PHONE not in str(hidden.question)
