"""How many share the model's keys is known from the members, without a query per call."""

from __future__ import annotations

from tests.contract.store_support import another
from vestlus.hosting.sharers import Sharers
from vestlus.store.rows import Member, MemberKind


def member(number: int, kind: MemberKind = MemberKind.CONVERSATION) -> Member:
    return Member(f"{kind}-{number}", kind, "1", "here", number)


async def test_live_conversation_members_share_the_keys_and_nobody_else(store_url: str) -> None:
    async with another(store_url) as store:
        sharers = Sharers(store)
        await sharers.look()
        assert sharers() == 1  # this one signs in a moment later
        for one in (member(1), member(2), member(3, MemberKind.PUBLISHER)):
            await store.heartbeat(one)
        await sharers.look()
        assert sharers() == 2
        await store.retire(member(2))
        await sharers.look()
        assert sharers() == 1
