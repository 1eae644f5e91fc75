"""A user erased by their own word, in the chat."""

from __future__ import annotations

from functools import partial
from typing import Final

from vestlus.backoff import until_available
from vestlus.privacy.operations import DATA_DELETION_PATH, Privacy, new_code
from vestlus.store.erasing import Farewell, Way

#: Who asked, in what is recorded: never more than that.
BY_USER: Final = "the user"


class ChatEraser:
    """Erases whoever confirmed that they want it, and tells them with the confirmation code."""

    def __init__(self, privacy: Privacy, public_url: str | None) -> None:
        self._privacy = privacy
        self._public_url = public_url

    async def __call__(self, account: str, user: str, text: str, deadline_ms: int) -> None:
        """Returns when it is done, however long the store is away. ``text`` is the last word, sent
        before ``deadline_ms``.
        """
        # Made before the first try: a second one, should the first be done, is the same erasure.
        code = new_code()
        where = f"{self._public_url}{DATA_DELETION_PATH}/{code}" if self._public_url else code
        await until_available(
            partial(
                self._privacy.erase,
                account,
                user,
                by=BY_USER,
                way=Way.CHAT,
                farewell=Farewell(text=f"{text}\n{where}", deadline_ms=deadline_ms),
                code=code,
            )
        )
