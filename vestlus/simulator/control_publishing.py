"""The control API for posts: the grid, and how publishing behaves."""

from dataclasses import replace

from aiohttp import web

from vestlus.simulator.control_input import account_id
from vestlus.simulator.jsontypes import BadInputError, Json, get_flag, get_number, parse_object
from vestlus.simulator.posts import Posts
from vestlus.simulator.state import State

NAMES = (
    *("posts_per_day", "containers_per_day", "expire_seconds", "processing_seconds"),
    "check_later",
)


class PublishingControlApi:
    """Shows what was published, and changes limits and times."""

    def __init__(self, state: State, posts: Posts) -> None:
        self._state = state
        self._posts = posts

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.get("/control/grid", self.grid),
            web.post("/control/publishing", self.change),
        ]

    async def grid(self, request: web.Request) -> web.Response:
        """Answer `GET /control/grid`: posts and stories, newest first, and what is used up."""
        account = account_id(self._state, request.query.get("account"))
        posts: list[Json] = [each.to_json() for each in self._posts.of(account)]
        return web.json_response(
            {
                "account": account,
                "posts": posts,
                "published_today": self._posts.published_today(account),
                "containers_today": self._posts.made_today(account),
            }
        )

    async def change(self, request: web.Request) -> web.Response:
        """Answer `POST /control/publishing`."""
        body = parse_object(await request.read())
        if unknown := set(body) - set(NAMES):
            message = f"there is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}"
            raise BadInputError(message)
        now = self._posts.settings
        self._posts.settings = replace(
            now,
            posts_per_day=int(get_number(body, "posts_per_day", now.posts_per_day)),
            containers_per_day=int(get_number(body, "containers_per_day", now.containers_per_day)),
            expire_seconds=get_number(body, "expire_seconds", now.expire_seconds),
            processing_seconds=get_number(body, "processing_seconds", now.processing_seconds),
            check_later=get_flag(body, "check_later", default=now.check_later),
        )
        return web.json_response(self._posts.settings.to_json())
