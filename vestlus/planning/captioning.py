"""What stands under a post: a template's words or a model's, checked, moderated and disclosed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from vestlus.assistant.caption_checking import Written
from vestlus.assistant.caption_prompt import CaptionTask
from vestlus.assistant.moderation import Moderator
from vestlus.assistant.pictures import OfferedPicture
from vestlus.conversation.guard_links import is_given, links, readable
from vestlus.conversation.masking import mask
from vestlus.conversation.phrases import Phrase, say_own
from vestlus.errors import AssistantError
from vestlus.instagram.caption_limits import MAX_CAPTION, counts
from vestlus.planning.drafting_words import FLAGGED, NOT_MODERATED, NoDraft, of_model
from vestlus.planning.ports import Impossible
from vestlus.planning.template_values import harmless
from vestlus.planning.templates import Facts, Rendered, TemplateFailed, render
from vestlus.scheduling.recipe import Recipe
from vestlus.settings_account import Account

#: What stands between a caption and the line under it.
_BETWEEN = "\n\n"


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a caption is for."""

    recipe: Recipe
    account: Account
    #: The event's data; empty for a schedule.
    event: Mapping[str, Any]
    #: When the post goes out, milliseconds since 1970.
    at_ms: int
    #: Whether the caption says that a model wrote it, if one does.
    with_line: bool

    @property
    def language(self) -> str:
        """Of the caption."""
        return self.recipe.language or self.account.language

    @property
    def local(self) -> datetime:
        """When the post goes out, by the account's clock."""
        moment = datetime.fromtimestamp(self.at_ms / 1000, UTC)
        return moment.astimezone(ZoneInfo(self.account.timezone))

    @property
    def line(self) -> str:
        """What says that a model wrote the caption; empty where nothing does."""
        if not (self.with_line and self.recipe.prompt):
            return ""
        return say_own(
            self.account.caption_lines,
            Phrase.CAPTION_LINE,
            self.language,
            account_language=self.account.language,
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """The post's pictures: what those show that are chosen, or which to choose from."""

    shows: tuple[str, ...] = ()
    offered: tuple[OfferedPicture, ...] = ()
    count: int = 0


class Writer(Protocol):
    """A model for posts; see :class:`vestlus.assistant.captions.Captions`."""

    async def write(
        self, account: Account, task: CaptionTask, free: Callable[[Sequence[str]], bool]
    ) -> Written:
        """What the model makes of a task, checked. Raises AssistantError."""
        ...


class Captioning:
    """Makes captions; with a model where the recipe asks for one."""

    def __init__(self, writer: Writer, moderator: Moderator) -> None:
        self._writer = writer
        self._moderator = moderator

    async def caption(
        self, occasion: Occasion, shown: Shown, free: Callable[[Sequence[str]], bool]
    ) -> Written:
        """The whole caption, and the ids that the model chose if it had to. Raises NoDraft.

        ``free``: whether pictures are still to be had.
        """
        if not (occasion.recipe.prompt or shown.count):
            return Written(await self._templated(occasion), ())
        caption = "" if occasion.recipe.prompt else await self._templated(occasion)
        task = task_of(occasion, shown, caption)
        try:
            written = await self._writer.write(occasion.account, task, free)
        except AssistantError as error:
            raise NoDraft(of_model(error)) from error
        if not task.writes:
            return Written(caption, written.pictures)
        await self._moderate(occasion.account, written.caption)
        whole = _BETWEEN.join(filter(None, (written.caption, occasion.line)))
        return Written(_fitting(whole), written.pictures)

    async def _templated(self, occasion: Occasion) -> str:
        """The words of the template. Those that an event had a part in are moderated too."""
        recipe = occasion.recipe
        rendered = rendered_for(occasion, recipe.template)
        caption = _fitting(rendered.text.strip())
        own = "\n".join((rendered.written, occasion.account.privacy_url or ""))
        given = links(readable("\n".join((own, *occasion.account.facts))))
        if not all(is_given(link, given) for link in links(readable(caption))):
            raise NoDraft(
                Impossible(
                    "link_in_event",
                    "the event's data bring a web address into the caption: write |as_is behind "
                    "the field in the template if it may be there",
                )
            )
        if caption and occasion.event:
            await self._moderate(occasion.account, caption)
        return caption

    async def _moderate(self, account: Account, caption: str) -> None:
        """Nothing that was not looked at is posted, unless the account has moderation off."""
        texts = mask((caption,), account.mask).texts if account.mask else (caption,)
        finding = await self._moderator.check(account, texts)
        if finding.flagged or finding.emergency:
            raise NoDraft(FLAGGED)
        if finding.failed:
            raise NoDraft(NOT_MODERATED)


def task_of(occasion: Occasion, shown: Shown, caption: str) -> CaptionTask:
    """What the model is asked for. ``caption``: what there is already. Raises NoDraft."""
    recipe = occasion.recipe
    writes = bool(recipe.prompt)
    rendered = rendered_for(occasion, recipe.prompt, for_model=True)
    if writes and not rendered.text.strip():
        words = "the prompt comes to nothing with these data: say what is asked for in any case"
        raise NoDraft(Impossible("prompt_not_rendered", words))
    line = occasion.line
    return CaptionTask(
        task=rendered.text if writes else f"Choose pictures for a post. Its caption: {caption}",
        writes=writes,
        language=occasion.language,
        local=occasion.local,
        event=safe(occasion.event),
        given=(rendered.written,),
        characters=MAX_CAPTION - (len(_BETWEEN + line) if line else 0),
        shows=shown.shows,
        offered=shown.offered,
        count=shown.count,
    )


def rendered_for(occasion: Occasion, template: str, *, for_model: bool = False) -> Rendered:
    """A template of the recipe with the occasion's values. Raises NoDraft."""
    facts = Facts(
        event=occasion.event,
        now=occasion.local,
        account_name=occasion.account.name,
        account_language=occasion.account.language,
    )
    try:
        return render(template, facts, for_model=for_model)
    except TemplateFailed as error:
        what = "prompt" if for_model else "caption"
        raise NoDraft(Impossible(f"{what}_not_rendered", f"the {what} {error}")) from error


def event_of(payload: str) -> Mapping[str, Any]:
    """An event's data. Raises NoDraft for what is no table of JSON, which no event is."""
    if not payload:
        return {}
    try:
        event = json.loads(payload)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise NoDraft(Impossible("event_unreadable", "the event's data are no table of JSON"))
    return event


def safe(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same data without signs of names and tags."""
    if isinstance(value, Mapping):
        return {harmless(str(key)): safe(one) for key, one in value.items()}
    if isinstance(value, list):
        return [safe(one) for one in value]
    return harmless(value) if isinstance(value, str) else value


def _fitting(caption: str) -> str:
    found = counts(caption)
    if not found.fit:
        raise NoDraft(
            Impossible(
                "caption_too_long",
                f"the caption has {found}; Instagram takes 2200, 30 and 20: shorten it",
            )
        )
    return caption
