"""What keeps a post from Instagram: a clear state, an instruction, and no loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.integration.test_posts import Pictures, accounts_of_their_own, running_stage
from vestlus.store.posts import PostState


async def test_pictures_that_meta_cannot_fetch_end_the_post_after_three_tries(
    tmp_path: Path,
) -> None:
    (account,) = accounts_of_their_own(1)
    async with running_stage([account], tmp_path) as stage:
        # Nobody listens there.
        stage.pictures = Pictures("http://127.0.0.1:1")
        await stage.plan(account)
        async with stage.serving(account, "1"):
            row = await stage.ended(account)
        assert (row.state, row.reason) == (PostState.DEAD, "media_unreachable")
        assert row.problem.startswith("9004: ")
        assert "VESTLUS_PUBLIC_URL must be an address" in row.problem
        assert len(row.containers) == 3
        assert await stage.captions(account) == []


async def test_a_revoked_token_leaves_the_post_waiting_with_what_to_do(tmp_path: Path) -> None:
    (account,) = accounts_of_their_own(1)
    async with running_stage([account], tmp_path) as stage:
        await stage.control("revoke-token", {})
        await stage.plan(account)
        async with stage.serving(account, "1"), asyncio.timeout(20):
            while not (row := await stage.row(account)).problem:
                await asyncio.sleep(0.05)
        assert row.state is PostState.PLANNED
        assert row.problem == "190: the access token is not accepted: connect the account anew"
        assert len(row.containers) == 1
        assert await stage.captions(account) == []
