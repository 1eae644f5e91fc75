"""What stands on tombstones: whom they are about, in a form that tells nobody."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Final

from vestlus.conversation.identity import conversation_id
from vestlus.keys import derived_key
from vestlus.store.rows import DeadLetter, NewEvent

#: What may be an id of Meta's, in bytes that nobody can read as a message.
_IDS: Final = re.compile(rb"(?<![0-9A-Za-z])[0-9]{5,32}(?![0-9A-Za-z])")
#: Different ones of a body that are looked at: a webhook of a thousand events names as many users.
_MOST_IDS: Final = 64


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
        of every two of Meta's ids that stand in it.
        """
        if letter.conversation is not None:
            named = {letter.conversation}
        else:
            ids = list(dict.fromkeys(_IDS.findall(letter.body)))[:_MOST_IDS]
            pairs = permutations((one.decode() for one in ids), 2)
            named = {conversation_id(account, user) for account, user in pairs}
        return replace(letter, graves=tuple(sorted(map(self.of, named))))
