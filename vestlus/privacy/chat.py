"""A user erased by their own word, in the chat."""

from __future__ import annotations

from functools import partial

from vestlus.backoff import until_available
from vestlus.hosting.composing import PutOff
from vestlus.privacy.operations import DATA_DELETION_PATH, Privacy, new_code
from vestlus.store.erasing import BY_USER, ErasureState, Farewell, Way


class ChatEraser:
    """Erases whoever confirmed that they want it, and tells them with the confirmation code.

    A conversation that somebody preserved is left as it is, and the wish recorded for a person.
    """

    def __init__(self, privacy: Privacy, public_url: str | None) -> None:
        self._privacy = privacy
        self._public_url = public_url

    async def __call__(self, account: str, user: str, text: str, deadline_ms: int) -> PutOff | None:
        """Returns when it is done, however long the store is away; with what is put off. ``text``
        is the last word, sent before ``deadline_ms``.
        """
        # Made before the first try: a second one, should the first be done, is the same erasure.
        code = new_code()
        where = f"{self._public_url}{DATA_DELETION_PATH}/{code}" if self._public_url else code
        last = Farewell(text=f"{text}\n{where}", deadline_ms=deadline_ms)
        done, _ = await until_available(
            partial(
                self._privacy.erase_what_may,
                [self._privacy.whom(account, user, last)],
                by=BY_USER,
                way=Way.CHAT,
                code=code,
            )
        )
        return PutOff(code, where) if done.state is ErasureState.OPEN else None
