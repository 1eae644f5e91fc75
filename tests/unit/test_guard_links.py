"""Of links only those that were given are sent, in whatever surroundings they stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.guard_texts import FACTS, reason
from vestlus.conversation.guard import Objection, objection
from vestlus.conversation.guard_links import is_given, links, readable


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example",
        "HTTPS://EVIL.EXAMPLE/X",
        "hxxps://evil.example/x",
        "https : // evil.example",
        "https:\\\\evil.com",
        "//evil.com/x",
        "www.evil.test",
        "evil.com",
        "Evil.Com",
        "EVIL.COM",
        "evil.com-i",
        "vaata evil.com.",
        "(evil.com)",
        "Sadam.ee.evil.com",
        "sadam.ee-evil.com",
        "sadam.eee.com",
        "evilsadam.ee",
        "alam.sadam.ee",
        "sadam.ee:8080",
        "evil.quest/login",
        "пример.рф",
        "[vajuta siia](https://evil.com)",
        "[vajuta siia](evil.com)",
        "[vajuta siia](/kontakt)",
        "t.me/kuri",
        "t.Me/kuri",
        "wa.me/37251234567",
        "bit.ly/3abc",
        "@evil.com",
        "192.0.2.7",
        "192.0.2.7:8000/x",
        "http://0x7f000001/",
        "http://3221225985/",
        "http://[2001:db8::1]/",
        "ftp://sadam.ee",
        "javascript:alert(1)",
        "tg:resolve?domain=kuri",
        "xn--sdam-6qa.ee",
        "https://xn--sdam-6qa.ee/",
        "sаdam.ee",  # noqa: RUF001 - a Cyrillic letter
        "sadam.ee\u200b.evil.com",
        "ev\u200bil.com",
        "\uff45vil\uff0e\uff43om",
        "evil。com",
        "https://sadam.ee@evil.com",
        "https://sadam.ee:x@evil.com/et",
        "https://evil.com@sadam.ee",
        "https://sadam.ee\\@evil.com",
        "https://sadam.ee.evil.com/et/uudised?id=5&keel=et",
        "https://evil.com/?u=https://sadam.ee",
        "https://evil.com#sadam.ee",
        "sadam.ee/valus",
        "sadam.ee/et",
        "https://sadam.ee/et/uudised?id=6&keel=et",
        "https://sadam.ee/et/uudised?id=5&keel=et&kood=38001085718",
        "https://sadam.ee?d=saladus",
        "facebook.com/keegi.teine",
        "evil dot com",
        "evil [dot] com",
        "evil (punkt) ee",
        "evil(.)com",
        "evil . com",
        "evil .ee",
        "t dot me slash kuri",
        "evil точка ru",
        "...bit.ly/x",
        "-bit.ly/x",
        "_bit.ly/x_",
        "_www.evil.com_",
        "Vaata…evil.com",
        "-evil.com",
        ".evil.com",
        "a.b.c.d.e.f.g.h.i.j.bit.ly/x",
        ".".join("abcdefghijklmnopqrstuvwxyz") + ".evil.com",
        "evil.com\u0438",
        "_192.0.2.7_",
        "…192.0.2.7",
        "1http://3221225985/",
        "_javascript:alert(1)",
        "evil.bond",
        "evil.autos",
        "evil.yachts",
        "evil.makeup",
        "kuri.vermögensberatung",
        "उदाहरण.भारत",
        "Swedbank.Me",
        "Swedbank.Me ja logi sisse",
        "Eesti.Id",
        "Eesti.Id on uus",
        "Evil.To",
        "Login-Eesti.Me",
        "Tinyurl.Me",
        "Evil.Ee",
        "Evil.Ai",
        "https://forms.example/abcde",
        "https://forms.example/AbCdE?ref=https://evil.com",
        "https://forms.example/AbCdE?utm_source=evil.com",
        "kalda.example/sisene",
        "evil      dot      com",
        "evil.com.Tere",
        "evil.com.sadam",
    ],
)
def test_a_link_that_was_not_given_is_not_sent(text: str) -> None:
    assert reason(text) is Objection.LINK_NOT_GIVEN
    assert reason(f"Kõik on kirjas siin: {text} (tere tulemast)") is Objection.LINK_NOT_GIVEN


@pytest.mark.parametrize(
    "text",
    [
        "https://www.sadam.ee",
        "http://sadam.ee/",
        "sadam.ee",
        "Sadam.ee-st, SADAM.EE ja www.sadam.ee-le",
        "Vaata https://sadam.ee/et/Uudised?id=5&keel=et!",
        "SADAM.ee/et/Uudised/?keel=et&id=5&utm_source=ig&fbclid=abc#tipp",
        "(sadam.ee/et/Uudised)",
        "**https://sadam.ee**",
        "_sadam.ee_ …sadam.ee",
        "Vaata sadam.ee.Tere tulemast",
        "[uudised](https://sadam.ee/et/Uudised?id=5&keel=et)",
        "https://forms.example/AbCdE?ref=ig_story",
        "https://kalda.example",
        "„sadam.ee“",
        "facebook.com/sadama.raamatukogu",
        "facebook.com",
        "https://maps.example.com/a_(b)",
        "kaart (https://maps.example.com/a_(b)).",
        "sadam dot ee",
    ],
)
def test_a_given_link_is_sent_however_it_is_written(text: str) -> None:
    assert reason(text) is None


def test_links_of_the_user_are_not_passed_on() -> None:
    assert reason("Jah, evil.com on meie leht.", "kas evil.com on teie?") is (
        Objection.LINK_NOT_GIVEN
    )


def test_an_address_that_the_user_gave_makes_its_host_no_page_of_ours() -> None:
    said = "Panin kirja: mari@evil.com"
    assert objection("Vaata evil.com", given=[said], secret=[]) is None
    assert objection("Vaata evil.com", given=[said], secret=[], own=["mari@evil.com"]) is (
        Objection.LINK_NOT_GIVEN
    )


NOISE = st.text("ab.:/@ -_…()[]10\u200b\u0435\n,;%#?&=", max_size=60)


@given(
    NOISE, NOISE, st.sampled_from(["https://evil.com", "evil.com/x", "www.evil.com", "t.me/evil"])
)
def test_no_surroundings_hide_a_link(before: str, after: str, link: str) -> None:
    assert (
        objection(f"{before} {link} {after}", given=[FACTS], secret=[]) is Objection.LINK_NOT_GIVEN
    )
    if readable(after)[:1].isalnum():
        after = f"/{after}"  # with letters or digits behind, it is another domain, or none
    # Letters and an @ before it make it an e-mail address, which nobody gave either.
    assert objection(f"{before}{link}{after}", given=[FACTS], secret=[]) in (
        Objection.LINK_NOT_GIVEN,
        Objection.PERSONAL_DATA_NOT_GIVEN,
    )


@given(
    st.sampled_from(["", "et", "et/uudised", "a/b/c"]), st.sampled_from(["", "et", "et/uudised"])
)
def test_only_the_same_page_or_the_hosts_first_page_counts_as_given(page: str, told: str) -> None:
    (link,) = links(f"https://sadam.ee/{page}")
    assert is_given(link, links(f"https://sadam.ee/{told}")) == (page in ("", told))
