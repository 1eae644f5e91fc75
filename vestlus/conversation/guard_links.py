"""Finding links in an answer, however they are written, and telling which were given to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote

from vestlus.conversation.personal_data import Kind, found


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: IANA's top-level domains: those of countries, and the generic ones that are met most.
_TOP_LEVEL: Final = _set("""
ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt
bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg
er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn
hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li
lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne
nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb
sc sd se sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr
tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw com net org edu gov mil
int info biz name pro mobi asia tel cat jobs travel museum coop aero academy agency app art bank
bar beauty best bet bid blog boo boutique buzz cafe careers casa cash casino center cfd chat
church city claims click clinic cloud club codes coffee community company consulting cyou dad
date dating dev digital direct directory domains download earth email energy eus events exchange
expert express family fans finance financial fit foo forum foundation fun fund fyi gallery games
gift gives global gold goog google guide guru health help homes hosting house icu inc ink
institute international investments kim land law lat legal lgbt life link live loan loans lol
ltd management market marketing mba media men mom money monster movie nature network news ninja
nexus one onl online ooo party pet photo photography photos pics pictures pink plus porn poker
press promo properties pub quest racing rest review reviews rip rocks run sale sbs school
science security services sex sexy shop shopping show site skin social software solutions space
store stream studio study style support surf systems team tech technology tips today tools top
tours town trade trading training tube university vet video vip vision vote wang watch website
wiki win wine work works world wtf xxx xyz yoga zip zone онлайн сайт орг ком рф рус дети москва
бел укр бг срб мкд қаз ею
""")  # noqa: RUF001 - Cyrillic ones
#: Country codes that are words too: capitalised behind a dot they begin a sentence.
_WORDS_TOO: Final = _set("""
ai am as at be by de do ee et id ie il in is it la li ma me my na ne no nu on pa re sa se si so
su ta to tu us ve vi
""")
#: Written-out dots are believed before these alone, which are no words of a sentence.
_TOLD_APART: Final = (
    "com|net|org|info|biz|ee|eu|ru|lv|lt|fi|io|xyz|top|shop|site|online|club|app|dev"
)
_DOT_WORDS: Final = "dot|punkt|точка|крапка|piste|punkts|taškas|kropka|punto"

#: Unicode's format characters (Cf) that are met outside of old scripts.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_IN_BRACKETS = re.compile(rf"\s*[\[({{]\s*(?:{_DOT_WORDS}|\.)\s*[\])}}]\s*", re.IGNORECASE)
_AT_IN_BRACKETS = re.compile(r"\s*[\[({]\s*(?:at|ät|ätt|собака)\s*[\])}]\s*", re.IGNORECASE)
_IN_WORDS = re.compile(
    rf"(?<=\w)\s+(?:{_DOT_WORDS})\s+(?=(?:{_TOLD_APART})\b)|(?<=\w)\s+dot\s+(?=(?:me|ly|gg)\b)",
    re.IGNORECASE,
)
_WITH_SPACES = re.compile(r"(?<=\w)\s+\.\s?(?=(?:com|org|ee|eu|ru|info)\b)|(?<=\w)\. (?=com\b)")

_ADDRESS = re.compile(
    r"(?<![^\W_])([a-z][a-z0-9+.-]{1,20})\s?:\s?//+\s?([^\s<>\"'«»“”„`{}|^]+)", re.IGNORECASE
)
_APP = re.compile(
    r"(?<!\w)(javascript|vbscript|data|file|intent|tg|whatsapp|viber):([^\s<>\"'«»“”„`{}|^]+)",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(r"\]\(\s*<?([^\s)>]+)")
_BARE = re.compile(
    r"(?<![\w.-])((?:[^\W_](?:[\w-]{0,61}\w)?\.){1,8})(xn--[a-z0-9-]{2,40}|[^\W\d_]{2,18})"
    r"(?![^\W_])((?::[0-9]{1,5})?(?:[/?#][^\s<>\"'«»“”„`{}|^]*)?)",
    re.IGNORECASE,
)
_IP = re.compile(
    r"(?<![\w.])((?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2}))(?![\w.]*[0-9])"
    r"((?::[0-9]{1,5})?(?:[/?#][^\s<>\"'«»“”„`{}|^]*)?)"
)
_LARGEST_BYTE: Final = 255

#: A case ending behind an address: tallinn.ee-st.
_ENDING = re.compile(r"-[^\W\d_]{1,6}\Z")
_TRAILING: Final = ".,;:!?…*_~]"
_TRACKING = re.compile(r"utm_\w+|[a-z]{0,2}clid|igsh(?:id)?|mc_[ce]id|ref|si|_ga")


@dataclass(frozen=True, slots=True)
class Link:
    """Where a link leads, in one spelling. ``host`` and ``path`` are empty where there is none."""

    #: Empty for the web.
    scheme: str
    host: str
    #: Without the slash at the end.
    path: str = ""
    query: tuple[tuple[str, str], ...] = ()
    #: A name before the host, which hides where the link leads.
    disguised: bool = False


def readable(text: str) -> str:
    """The text as people read it: compatible characters made plain, invisible ones gone."""
    plain = unicodedata.normalize("NFKC", text).replace("\u3002", ".").replace("\\", "/")
    return _INVISIBLE.sub("", plain)


def spelled_out(text: str) -> str:
    """A readable text with "example [dot] com" and the like written as they are meant."""
    joined = _AT_IN_BRACKETS.sub("@", _IN_BRACKETS.sub(".", text))
    return _WITH_SPACES.sub(".", _IN_WORDS.sub(".", joined))


def links(text: str) -> frozenset[Link]:
    """Every link in a :func:`readable` text, written out or disguised.

    Addresses with any scheme, those of apps, targets of Markdown links, bare domains with a
    known top-level domain (``tallinn.ee``, ``t.me/name``) or in Punycode, IPv4 addresses, and
    domains with their dot in words or brackets. Not: e-mail addresses, numbers, dates, times,
    abbreviations, and a sentence that begins without a space before it.
    """
    return frozenset((*_written(text), *_written(spelled_out(text))))


def is_given(link: Link, given: Collection[Link]) -> bool:
    """Whether one may send people there because one was told of it.

    That is so when host, path and query are those of a given link, or the answer leaves out the
    query or everything behind the host: a host's first page is the institution's own choice,
    while a deeper page than the given one may be anybody's or nobody's. ``www.``, case, a slash
    at the end, ``#…``, http or https, and tracking parameters do not matter. Never with a name
    before the host (``https://tallinn.ee@example.com``).
    """
    if link.disguised:
        return False
    if link in given:
        return True
    for other in given:
        if (link.scheme, link.host) != (other.scheme, other.host) or not link.host:
            continue
        if not link.path and not link.query:
            return True
        if link.path == other.path and link.query in ((), other.query):
            return True
    return False


def _written(text: str) -> Iterator[Link]:
    rest = text
    for match in _ADDRESS.finditer(text):
        yield _link(match.group(1), match.group(2))
    for match in _APP.finditer(text):
        yield Link(match.group(1).lower(), match.group(2).rstrip(_TRAILING))
    rest = _APP.sub(" ", _ADDRESS.sub(" ", text))
    for match in _MARKDOWN.finditer(rest):
        if re.search(r"[/#.]", match.group(1)):
            yield _link("", match.group(1))
    rest = _without_emails(rest)
    for match in _BARE.finditer(rest):
        if _is_domain(match.group(1), match.group(2), match.group(3)):
            yield _link("", match.group())
    for match in _IP.finditer(rest):
        if all(int(part) <= _LARGEST_BYTE for part in match.group(1).split(".")):
            yield _link("", match.group())


def _without_emails(text: str) -> str:
    for one in reversed(found(text, [Kind.EMAIL])):
        # With a path behind it, it is a name before a host.
        if text[one.end : one.end + 1] not in ("/", ":"):
            text = f"{text[: one.start]} {text[one.end :]}"
    return text


def _is_domain(labels: str, top: str, behind: str) -> bool:
    plain = top.lower()
    name = labels.rstrip(".")
    if plain.startswith("xn--") or "xn--" in labels.lower() or labels.lower().startswith("www."):
        return True
    if plain not in _TOP_LEVEL:
        # Unknown, but written as only an address is.
        return bool(re.match(r"/\w{2}", behind)) and (labels + top).isascii() and top.islower()
    if behind:
        return True
    if top.istitle() and plain in _WORDS_TOO and not name.isupper():
        return False
    # 10.am, tel.nr: a time and a number.
    return not ((plain in ("am", "pm") and name.isdigit()) or plain == "nr")


def _link(scheme: str, address: str) -> Link:
    address = address.rstrip(_TRAILING)
    while address.endswith(")") and address.count(")") > address.count("("):
        address = address[:-1].rstrip(_TRAILING)
    before, _, query = address.partition("#")[0].partition("?")
    authority, _, path = before.partition("/")
    name, at, host = authority.rpartition("@")
    host = host.lower().removeprefix("www.").removesuffix(".")
    host = re.sub(r":(?:80|443)\Z", "", host)
    if "xn--" not in host.rpartition(".")[2]:
        host = _ENDING.sub("", host) if "-" in host.rpartition(".")[2] else host
    parameters = sorted(
        pair
        for pair in parse_qsl(query, keep_blank_values=True)
        if not _TRACKING.fullmatch(pair[0])
    )
    return Link(
        scheme="" if scheme.lower() in ("", "http", "https") else scheme.lower(),
        host=host,
        path=unquote(path).rstrip("/").lower(),
        query=tuple(parameters),
        disguised=bool(at and name),
    )
