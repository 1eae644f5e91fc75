"""What the tests of posts on their way share."""

from collections.abc import Coroutine
from typing import Any

from tests.fakes.clock import run_virtual
from tests.fakes.posting import PostPlace
from vestlus.store.post_rows import PostRow
from vestlus.store.posts import PostState


def virtually(main: Coroutine[Any, Any, PostRow]) -> PostRow:
    return run_virtual(main, longest=200_000)


def published_once(place: PostPlace, post: PostRow) -> None:
    assert post.state is PostState.PUBLISHED
    assert place.instagram.captions() == [post.caption]
    assert post.media_id == place.instagram.grid[0].id
