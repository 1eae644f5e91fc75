"""Saying that an automated assistant answers.

Meta, "Send Messages": where the law asks for it, users are told that they talk to an automated
service, at the beginning, after a significant lapse, and when an automated service takes over
from a person. Regulation (EU) 2024/1689, article 50, asks for it in the European Union.
"""

from __future__ import annotations

from collections.abc import Mapping

from vestlus.conversation.phrases import Phrase, say, say_own

#: After so long without an answer of ours, users are told again.
LAPSE_MS = 24 * 60 * 60 * 1000


def disclosure_due(
    *, disclosed_ms: int, answered_ms: int, now_ms: int, lapse_ms: int = LAPSE_MS
) -> bool:
    """Whether the next answer has to say that it is an automated one.

    All are milliseconds since 1970. ``disclosed_ms``: when it was last said, 0 for never;
    ``answered_ms``: when the bot last answered, 0 for never. Whoever hands a conversation back to
    the bot sets ``disclosed_ms`` to 0.
    """
    if disclosed_ms <= 0:
        return True
    return now_ms - max(disclosed_ms, answered_ms) >= lapse_ms


def disclosure_text(
    *,
    language: str,
    name: str,
    privacy_url: str | None,
    texts: Mapping[str, str],
    account_language: str,
) -> str:
    """What is said, in the user's language where it is spoken here.

    ``texts`` are the account's own words by language; ``{name}`` in them is the account's name.
    The link to the privacy notice follows, unless the account's own words have it. ``name`` may
    be empty.
    """
    text = say_own(
        texts,
        Phrase.DISCLOSURE if name else Phrase.DISCLOSURE_NAMELESS,
        language,
        account_language=account_language,
        name=name,
    )
    if not privacy_url or privacy_url in text:
        return text
    privacy = say(
        Phrase.DISCLOSURE_PRIVACY, language, account_language=account_language, url=privacy_url
    )
    return f"{text} {privacy}"
