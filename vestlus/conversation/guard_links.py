"""Finding links in an answer, however they are written, and telling which were given to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote

from vestlus.conversation.personal_data import Kind, found
from vestlus.conversation.top_level_domains import TOP_LEVEL_DOMAINS


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Country codes that begin sentences too: capitalised behind a dot, with more of one behind them.
_WORDS_TOO: Final = _set("am as at be by de do et il in is it la li ma my na ne no nu sa se si so")
_GOES_ON = re.compile(r"\s([^\W\d_])")
#: "Me" and "To" are met in addresses more than others, and are followed by few other words.
_WE_OR_TO = re.compile(r"me\s(?:ei|\w+me)\b|to\s(?:be|book|find|get|make|reach|see|visit)\b")
#: Written-out dots are believed before these alone, which are no words of a sentence.
_TOLD_APART: Final = (
    "com|net|org|info|biz|ee|eu|ru|lv|lt|fi|io|xyz|top|shop|site|online|club|app|dev"
)
_DOT_WORDS: Final = "dot|punkt|точка|крапка|piste|punkts|taškas|kropka|punto"

#: Unicode's format characters (Cf) that are met outside of old scripts.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SPACES = re.compile(r"[^\S\n]+")
# What stands in between is bounded: a long run of line breaks must not be gone through from each.
_IN_BRACKETS = re.compile(
    rf"\s{{0,3}}[\[({{]\s?(?:{_DOT_WORDS}|\.)\s?[\])}}]\s{{0,3}}", re.IGNORECASE
)
_BRACKETS: Final = frozenset("[({")
_AT_IN_BRACKETS = re.compile(r"\s{0,3}[\[({]\s?(?:at|ät|ätt|собака)\s?[\])}]\s{0,3}", re.IGNORECASE)
_IN_WORDS = re.compile(
    rf"(?<=\w)\s{{1,3}}(?:{_DOT_WORDS})\s{{1,3}}(?=(?:{_TOLD_APART})\b)"
    r"|(?<=\w)\s{1,3}dot\s{1,3}(?=(?:me|ly|gg)\b)",
    re.IGNORECASE,
)
_WITH_SPACES = re.compile(r"(?<=\w)\s{1,3}\.\s?(?=(?:com|org|ee|eu|ru|info)\b)|(?<=\w)\. (?=com\b)")

_ADDRESS = re.compile(
    r"([a-z][a-z0-9+.-]{1,20})\s?:\s?//+\s?([^\s<>\"'«»“”„`{}|^]+)", re.IGNORECASE
)
_APP = re.compile(
    r"(?<![^\W_])(javascript|vbscript|data|file|intent|tg|whatsapp|viber):([^\s<>\"'«»“”„`{}|^]+)",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(r"\]\(\s*<?([^\s)>]+)")
# Letters of the scripts of India are written with marks, which Python does not count as letters.
_LABEL: Final = r"[^\W_](?:[\w\u0900-\u0dff-]{0,61}[\w\u0900-\u0dff])?"
# Whatever stands before it but a letter or digit, a label begins: people's apps link what follows.
_DOTTED = re.compile(rf"(?<![^\W_]){_LABEL}(?:\.{_LABEL})+")
_BEHIND = re.compile(r"(?::[0-9]{1,5})?(?:[/?#][^\s<>\"'«»“”„`{}|^]*)?")
_TOP = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0900-\u0dff])+(?![a-z0-9])", re.IGNORECASE)
_IN_ASCII = re.compile(r"[a-z]+|[^a-z]+", re.IGNORECASE)
_IP = re.compile(
    r"(?<![^\W_])(?<![0-9]\.)((?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2}))(?!\.?[0-9])"
    r"((?::[0-9]{1,5})?(?:[/?#][^\s<>\"'«»“”„`{}|^]*)?)"
)
_LARGEST_BYTE: Final = 255

#: A case ending behind an address: tallinn.ee-st.
_ENDING = re.compile(r"-[^\W\d_]{1,6}\Z")
_TRAILING: Final = ".,;:!?…*_~]"
#: Known to mean nothing to the page, as long as the value is no address.
_TRACKING = re.compile(r"(?:utm_\w+|[a-z]{0,2}clid|igsh(?:id)?|mc_[ce]id|ref|si|_ga)=[\w-]*")


@dataclass(frozen=True, slots=True)
class Link:
    """Where a link leads, in one spelling. ``host`` and ``path`` are empty where there is none."""

    #: Empty for the web.
    scheme: str
    host: str
    #: Without the slash at the end. In its case: forms.gle/Ab and forms.gle/ab differ.
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
    narrow = _SPACES.sub(" ", text)
    joined = narrow
    if not _BRACKETS.isdisjoint(narrow):
        joined = _AT_IN_BRACKETS.sub("@", _IN_BRACKETS.sub(".", narrow))
    return _WITH_SPACES.sub(".", _IN_WORDS.sub(".", joined))


def links(text: str) -> frozenset[Link]:
    """Every link in a :func:`readable` text, written out or disguised.

    Addresses with any scheme, those of apps, targets of Markdown links, bare domains with a
    known top-level domain (``tallinn.ee``, ``t.me/name``) or in Punycode, IPv4 addresses, and
    domains with their dot in words or brackets. Not: e-mail addresses, numbers, dates, times,
    abbreviations, and a sentence that begins without a space before it.
    """
    spelled = spelled_out(text)
    written = frozenset(_written(text))
    return written if spelled == text else written.union(_written(spelled))


def is_given(link: Link, given: Collection[Link]) -> bool:
    """Whether one may send people there because one was told of it.

    That is so when host, path and query are those of a given link, or the answer leaves out the
    query or everything behind the host: a host's first page is the institution's own choice,
    while a deeper page than the given one may be anybody's or nobody's. ``www.``, the case of the
    host, a slash at the end, ``#…``, http or https, and tracking parameters with plain values do
    not matter. Never with a name before the host (``https://tallinn.ee@example.com``).
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


def first_pages(text: str) -> frozenset[Link]:
    """The first pages of the hosts that a readable text's e-mail addresses are of."""
    addresses = (text[one.start : one.end] for one in found(text, [Kind.EMAIL]))
    return frozenset(_link("", address.rpartition("@")[2]) for address in addresses)


def without_emails(text: str) -> str:
    """A readable text with spaces for its e-mail addresses."""
    if "@" not in text:
        return text
    for one in reversed(found(text, [Kind.EMAIL])):
        # With a path behind it, it is a name before a host.
        if text[one.end : one.end + 1] not in ("/", ":"):
            text = f"{text[: one.start]} {text[one.end :]}"
    return text


def _written(text: str) -> Iterator[Link]:
    # Most answers have nothing of the kind: what every link of one has is looked for first.
    rest = text
    if ":" in rest:
        for match in _ADDRESS.finditer(rest):
            yield _link(match.group(1), match.group(2))
        for match in _APP.finditer(rest):
            yield Link(match.group(1).lower(), match.group(2).rstrip(_TRAILING))
        rest = _APP.sub(" ", _ADDRESS.sub(" ", rest))
    for match in _MARKDOWN.finditer(rest):
        if re.search(r"[/#.]", match.group(1)):
            yield _link("", match.group(1))
    if "." in rest:
        yield from _bare(without_emails(rest))


def _bare(text: str) -> Iterator[Link]:
    """Addresses without a scheme."""
    for match in _IP.finditer(text):
        if all(int(part) <= _LARGEST_BYTE for part in match.group(1).split(".")):
            yield _link("", match.group())
    place = 0
    while dotted := _DOTTED.search(text, place):
        behind = _BEHIND.match(text, dotted.end())
        end = behind.end() if behind else dotted.end()
        address = _domain(dotted.group(), text[dotted.end() : end], text[end:][:12])
        # What only looks like a host may have one behind it: 0.0/example.com.
        place = end if address else dotted.end()
        if address:
            yield _link("", address)


def _domain(dotted: str, behind: str, after: str) -> str:
    """The longest address at the beginning of words with dots in between, empty if there is none.

    In "evil.com.Tere tulemast" a space is missing, and the address is one all the same.
    """
    labels = dotted.split(".")
    for place in range(len(labels) - 1, 0, -1):
        top = _TOP.match(labels[place])
        if top:
            whole = place == len(labels) - 1 and top.end() == len(labels[place])
            path, text = (behind, after) if whole else ("", "")
            name = ".".join(labels[:place])
            if _is_domain(name, top.group(), path, text):
                return f"{name}.{top.group()}{path}"
    is_one = "xn--" in dotted.lower() or dotted[:4].lower() == "www."
    return dotted + behind if is_one else ""


def _is_domain(name: str, top: str, behind: str, after: str) -> bool:
    plain = _top_level(top)
    if plain not in TOP_LEVEL_DOMAINS:
        # Unknown, but written as only an address is.
        return bool(re.match(r"/\w{2}", behind)) and (name + top).isascii() and top.islower()
    if behind:
        return True
    if top.istitle() and not name.isupper():
        goes_on = _GOES_ON.match(after)
        if plain in _WORDS_TOO and goes_on and goes_on.group(1).islower():
            return False
        if _WE_OR_TO.match(plain + after):
            return False
    # 10.am, tel.nr: a time and a number.
    return not ((plain in ("am", "pm") and name.isdigit()) or plain == "nr")


def _top_level(letters: str) -> str:
    """Letters of another script that follow at once do not make it another domain in all apps."""
    plain = letters.lower()
    if plain in TOP_LEVEL_DOMAINS or plain.isascii():
        return plain
    beginning = _IN_ASCII.match(plain)
    return beginning.group() if beginning else plain


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
        if not _TRACKING.fullmatch("=".join(pair))
    )
    return Link(
        scheme="" if scheme.lower() in ("", "http", "https") else scheme.lower(),
        host=host,
        path=unquote(path).rstrip("/"),
        query=tuple(parameters),
        disguised=bool(at and name),
    )
