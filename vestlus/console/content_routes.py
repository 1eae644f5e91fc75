"""The console's routes of posts, pictures and events."""

from __future__ import annotations

from starlette.routing import Route

from vestlus.console.content import Shelf
from vestlus.console.events_pages import EventsPages
from vestlus.console.guarding import Guard
from vestlus.console.image_adding import ImageAdding
from vestlus.console.image_page import ImagePage
from vestlus.console.images_pages import ImagesPages
from vestlus.console.live import Streams
from vestlus.console.post_page import PostPage
from vestlus.console.post_writing import PostWriting
from vestlus.console.posts_pages import PostsPages
from vestlus.console.schedules_pages import SchedulesPages
from vestlus.console.tools import Tools


def content_routes(tools: Tools, guard: Guard, streams: Streams) -> list[Route]:
    """What is served below ``/console/posts``, ``/console/images`` and ``/console/events``."""
    shelf = Shelf(tools)
    return [
        *PostsPages(tools, guard).routes,
        *PostWriting(tools, guard, shelf).routes,
        *SchedulesPages(tools, guard).routes,
        *PostPage(tools, guard, shelf, streams).routes,
        *ImagesPages(tools, guard, shelf).routes,
        *ImageAdding(tools, guard).routes,
        *ImagePage(tools, guard, shelf).routes,
        *EventsPages(tools, guard, streams).routes,
    ]
