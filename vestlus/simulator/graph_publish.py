"""Content Publishing: containers, their status, publishing, quota, and the list of posts."""

import asyncio
from collections.abc import Callable

from vestlus.simulator import graph_errors, publish_errors
from vestlus.simulator.faults import Fault, FaultPlan
from vestlus.simulator.graph_errors import GraphError
from vestlus.simulator.graph_read import graph_time
from vestlus.simulator.graph_send import CutConnection, fail_after, fail_before
from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.media import (
    IMAGE_BYTES,
    MediaStore,
    TooLargeError,
    UnreachableError,
    is_picture,
)
from vestlus.simulator.picture_files import picture_size
from vestlus.simulator.posts import DAY_SECONDS, Container, PostPicture, Posts
from vestlus.simulator.publish_shape import Wanted, read_container
from vestlus.simulator.tasks import TaskGroup

# What a page of posts holds where nobody asks for more, and at most.
PAGE, MOST_PAGE = 25, 100


class PublishApi:
    """Checks what Meta checks, does it, and misbehaves as told.

    Order of the checks: injected faults that do nothing, shape, daily limits, children, picture.
    """

    def __init__(
        self, posts: Posts, media: MediaStore, *, faults: FaultPlan, tasks: TaskGroup
    ) -> None:
        self._posts = posts
        self._media = media
        self._faults = faults
        self._tasks = tasks

    async def create(self, account: str, parameters: JsonObject) -> JsonObject:
        """Handle `POST /{account}/media`.

        Raises:
            GraphError: If Meta would refuse it, or an injected fault says so.
            CutConnection: If an injected fault says so.

        """
        fault = await self._admit("container", account, parameters)
        wanted = read_container(parameters)
        if self._posts.made_today(account) >= self._posts.settings.containers_per_day:
            raise publish_errors.daily_cap()
        pictures, error = await self._pictures(account, wanted)

        def apply() -> JsonObject:
            made = self._posts.add_container(
                account,
                wanted.kind,
                item=wanted.item,
                caption=wanted.caption,
                ai_generated=wanted.ai_generated,
                pictures=pictures,
                error=error,
            )
            return {"id": made.id}

        return self._done(fault, apply)

    async def publish(self, account: str, parameters: JsonObject) -> JsonObject:
        """Handle `POST /{account}/media_publish`; raises as `create` does."""
        fault = await self._admit("publish", account, parameters)
        named = parameters.get("creation_id")
        if not isinstance(named, str | int) or isinstance(named, bool):
            raise graph_errors.bad_parameter(name="creation_id")
        found = self._posts.container(account, str(named))
        if found is None or found.item:
            raise publish_errors.not_found()
        match self._posts.status_of(found):
            case "IN_PROGRESS":
                raise publish_errors.not_ready()
            case "EXPIRED":
                raise publish_errors.expired()
            case "ERROR":
                raise publish_errors.broken()
        if self._posts.published_today(account) >= self._posts.settings.posts_per_day:
            raise publish_errors.daily_cap()
        container = found
        return self._done(fault, lambda: {"id": self._posts.publish(container).id})

    def owner(self, container: str) -> str | None:
        """Return the account that a container is of, for tokens that are valid for all."""
        return self._posts.owner(container)

    def knows(self, account: str, container: str) -> bool:
        """Tell whether this is one of the account's containers."""
        return self._posts.container(account, container) is not None

    async def status(self, account: str, container: str) -> JsonObject:
        """Handle `GET /{container}`: all of its fields, whichever are asked for."""
        found = self._posts.container(account, container)
        if found is None:
            raise graph_errors.no_object()
        self._after(await self._admit("status", account))
        status = self._posts.status_of(found)
        words = status.capitalize().replace("_", " ")
        if status == "ERROR":
            words = f"Error: Media upload has failed with error code {found.error}"
        return {"status_code": status, "status": words, "id": container}

    async def quota(self, account: str) -> JsonObject:
        """Handle `GET /{account}/content_publishing_limit`."""
        self._after(await self._admit("quota", account))
        config: JsonObject = {
            "quota_total": self._posts.settings.posts_per_day,
            "quota_duration": int(DAY_SECONDS),
        }
        used = self._posts.published_today(account)
        return {"data": [{"quota_usage": used, "config": config}]}

    async def listed(self, account: str, limit: str | None) -> JsonObject:
        """Handle `GET /{account}/media`: the newest posts, newest first, without stories."""
        self._after(await self._admit("posts", account))
        if limit is not None and not limit.isdecimal():
            raise graph_errors.bad_parameter(name="limit")
        most = min(int(limit or PAGE), MOST_PAGE)
        found = [each for each in self._posts.of(account) if each.kind != "STORIES"][:most]
        data: list[Json] = []
        for each in found:
            body: JsonObject = {"id": each.id, "timestamp": graph_time(int(each.created_at * 1000))}
            if each.caption:
                body["caption"] = each.caption
            data.append(body)
        return {"data": data}

    async def _pictures(
        self, account: str, wanted: Wanted
    ) -> tuple[tuple[PostPicture, ...], int | None]:
        """Return the pictures, and what is wrong with them if that is to be told later only."""
        if wanted.url is None:
            children = [self._child(account, child) for child in wanted.children]
            return tuple(picture for child in children for picture in child.pictures), None
        try:
            return (await self._fetch(wanted.url, wanted),), None
        except GraphError as error:
            if not self._posts.settings.check_later:
                raise
            return (), error.subcode

    def _child(self, account: str, child: str) -> Container:
        found = self._posts.container(account, child)
        if found is None or not found.item:
            raise publish_errors.not_found()
        match self._posts.status_of(found):
            case "IN_PROGRESS":
                raise publish_errors.not_ready()
            case "EXPIRED":
                raise publish_errors.expired()
            case "ERROR":
                raise publish_errors.broken()
        return found

    async def _fetch(self, url: str, wanted: Wanted) -> PostPicture:
        if not url.startswith(("http://", "https://")):
            raise publish_errors.unreachable()
        try:
            content_type, body = await self._media.download(url, IMAGE_BYTES)
        except UnreachableError as error:
            raise (
                publish_errors.fetch_timeout() if error.timed_out else publish_errors.unreachable()
            ) from error
        except TooLargeError as error:
            raise publish_errors.too_large() from error
        size = picture_size(body)
        if content_type != "image/jpeg" or not is_picture(content_type, body) or size is None:
            raise publish_errors.wrong_format()
        width, height = size
        # IG User Media: 4:5 to 1.91:1. It names no proportions for stories.
        fits = 5 * width >= 4 * height and 100 * width <= 191 * height
        if wanted.kind == "IMAGE" and not fits:
            raise publish_errors.wrong_ratio()
        return PostPicture(url, await self._media.keep(content_type, body), wanted.alt)

    async def _admit(self, op: str, account: str, body: Json = None) -> Fault | None:
        fault = self._faults.draw(op, account, body=body)
        await fail_before(fault)
        return fault

    def _done(self, fault: Fault | None, apply: Callable[[], JsonObject]) -> JsonObject:
        if fault is not None and fault.kind == "late":
            self._tasks.start(_later(apply, fault.seconds))
            raise CutConnection
        result = apply()
        self._after(fault)
        return result

    @staticmethod
    def _after(fault: Fault | None) -> None:
        if fault is not None and fault.kind == "apply":
            raise graph_errors.unknown_error()
        if fault is not None and fault.kind in {"drop", "late"}:
            raise CutConnection
        fail_after(fault)


async def _later(apply: Callable[[], JsonObject], seconds: float) -> None:
    await asyncio.sleep(seconds)
    apply()
