"""What stands on tombstones: whom they are about, in a form that tells nobody."""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from vestlus.conversation.identity import conversation_id
from vestlus.keys import derived_key
from vestlus.store.rows import DeadLetter, NewEvent

#: What may be an id of Meta's, in bytes that nobody can read as a message.
_IDS: Final = re.compile(rb"(?<![0-9A-Za-z])[0-9]{5,32}(?![0-9A-Za-z])")
#: Where an account's id stands: in events on the bus, and in webhooks as Meta sends them. Quotes in
#: what users write are escaped there, so that they cannot write one.
_ACCOUNTS: Final = re.compile(
    rb'"account"\s*:\s*"([0-9]{5,32})"|"entry"\s*:\s*\[\s*\{\s*"id"\s*:\s*"([0-9]{5,32})"'
)
#: A torn body may have lost those places. An account's id stands in it more often than its users'.
_MOST_FREQUENT: Final = 16
#: Times in milliseconds, of the years 2015 to 2040: Meta's ids are longer.
_TIMES: Final = range(1_420_070_400_000, 2_208_988_800_000)


class Graves:
    """Names graves with a key of its own, derived from VESTLUS_ENCRYPTION_KEY.

    Whoever has the database and not the key cannot tell whose a tombstone is, nor try ids. Another
    key makes the tombstones of before unreadable: what is older is dropped no more then.
    """

    def __init__(self, secret: str) -> None:
        self._key = derived_key(secret, "vestlus tombstones")
        self._code_key = derived_key(secret, "vestlus erasure codes")

    def of(self, conversation: str) -> str:
        """The grave of a conversation's user, by the conversation's id. Takes 2 µs."""
        return hmac.digest(self._key, conversation.encode(), "sha256").hex()

    def code_of(self, request: bytes) -> bytes:
        """Bytes to make a confirmation code of: the same for the same request, and for no other."""
        return hmac.digest(self._code_key, request, "sha256")

    def marked(self, events: Sequence[NewEvent]) -> list[NewEvent]:
        """The events with the graves of their users."""
        graves: dict[str, str] = {}
        marked = []
        for one in events:
            conversation = one.event.conversation
            if conversation is None or one.event.user is None:
                marked.append(one)
                continue
            grave = graves.get(conversation)
            if grave is None:
                grave = graves[conversation] = self.of(conversation)
            marked.append(replace(one, grave=grave))
        return marked

    def of_letter(self, letter: DeadLetter) -> DeadLetter:
        """The letter with the graves of all whom it may name: its user's, where that is known, else
        of every id of Meta's that stands in it, at every account that does; some 4 µs for each.
        """
        if letter.conversation is not None:
            named = {letter.conversation}
        else:
            named = _conversations_in(letter.body)
        return replace(letter, graves=tuple(sorted(map(self.of, named))))


def _conversations_in(body: bytes) -> set[str]:
    ids = Counter(one for one in _IDS.findall(body) if int(one) not in _TIMES)
    accounts = {first or second for first, second in _ACCOUNTS.findall(body)}
    accounts |= {one for one, _ in ids.most_common(_MOST_FREQUENT)}
    return {
        conversation_id(account.decode(), user.decode())
        for account in accounts
        for user in ids
        if user != account
    }
