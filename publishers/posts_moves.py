"""One move of a post: what is asked of Instagram next, and what its answer makes of the post."""

from __future__ import annotations

from publishers.posts_desk import Admit, NotNow, PostDesk
from publishers.posts_preparing import Preparing
from publishers.posts_releasing import Releasing
from vestlus.store.post_rows import PostRow, PostStep
from vestlus.store.posts import RECOVERED, PostState


class PostMoves:
    """Takes posts one request further. Every request is noted before it is written, and after.

    A kill at any moment leaves a post of which nothing is under way, or one in doubt, at which
    the next holder looks first.
    """

    def __init__(self, desk: PostDesk) -> None:
        self._desk = desk
        self._preparing = Preparing(desk)
        self._releasing = Releasing(desk)

    async def move(self, post: PostRow, admit: Admit) -> float:
        """Makes the next move of a post whose step is due. Raises LeaseLost.

        Returns for how many seconds the account's posts wait now, mostly 0.
        """
        desk, now_ms = self._desk, self._desk.clock()
        if (recovered := RECOVERED.get(post.state)) is not None:
            # No task is at it: the answer to the step that brought it here was lost.
            await desk.record(PostStep(of=post, after=recovered, at_ms=now_ms, due_ms=now_ms))
            return 0.0
        if post.state is not PostState.LOOKING and desk.is_late(post):
            await desk.record(desk.outcomes.dead(post, "too_late", now_ms))
            return 0.0
        try:
            return await self._request(post, admit)
        except NotNow as told:
            return max(told.seconds, desk.rules.not_begun_seconds)

    async def _request(self, post: PostRow, admit: Admit) -> float:
        match post.state:
            case PostState.PLANNED:
                return await self._preparing.create(post, admit)
            case PostState.WAITING:
                return await self._preparing.check(post, admit)
            case PostState.LOOKING:
                return await self._releasing.look(post, admit)
            case _:
                return await self._releasing.publish(post, admit)
