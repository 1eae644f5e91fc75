"""Makes drafts: from what a recipe says to a caption and pictures that can be posted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

from image_bank.links import local_day
from image_bank.open import open_bank
from vestlus.assistant.embeddings import KeptVectors
from vestlus.assistant.moderation import Moderator
from vestlus.assistant.open_captions import open_captions
from vestlus.assistant.pictures import OfferedPicture
from vestlus.assistant.retrying import Retrying
from vestlus.assistant.searches import Searches
from vestlus.assistant.spending import Spender, paid_by
from vestlus.clock import Clock
from vestlus.planning.captioning import Captioning, Occasion, Shown, Writer, event_of
from vestlus.planning.drafting_words import NoDraft
from vestlus.planning.picture_choice import PictureChoice, Pictures, UsedPictures
from vestlus.planning.ports import Drafted, Impossible, NotNow
from vestlus.planning.recipe_checks import problem_of_draft
from vestlus.scheduling.approving import carries_line, needs_yes
from vestlus.scheduling.recipe import Choice
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.store.plan_rows import Draft, OccurrenceRow
from vestlus.store.port import Bank
from vestlus.store.post_rows import PostPicture


class DraftingStore(UsedPictures, Bank, KeptVectors, Protocol):
    """What drafting needs of the store."""


class PostDrafter:
    """Makes captions and chooses pictures. See vestlus.planning.ports.Drafter.

    One per process; any number of drafts at the same time, of which no two of an account get the
    same picture as long as there are others. Keeps no state but what it gave out within minutes:
    after a crash the store knows what was recorded, and the rest is made anew.
    """

    def __init__(
        self,
        *,
        accounts: Callable[[str], Account | None],
        pictures: Pictures,
        used: UsedPictures,
        writer: Writer,
        moderator: Moderator,
        searches: Searches,
    ) -> None:
        self._accounts = accounts
        self._choice = PictureChoice(pictures=pictures, used=used, searches=searches)
        self._captioning = Captioning(writer, moderator)

    async def draft(self, occurrence: OccurrenceRow, now_ms: int) -> Drafted | NotNow | Impossible:
        """See Drafter. Every way to fail has a word and a sentence that says what to mend."""
        drafted: Drafted | None = None
        try:
            with paid_by(occurrence.account):
                drafted = await self._draft(occurrence, now_ms)
        except NoDraft as none:
            return none.outcome
        finally:
            if drafted is None:
                self._choice.release(occurrence.id)
        return drafted

    async def check(self, occurrence: OccurrenceRow, now_ms: int) -> Impossible | None:
        """See Drafter."""
        account = self._accounts(occurrence.account)
        if account is None:
            return _unknown(occurrence.account)
        return problem_of_draft(
            occurrence, await self._choice.catalogue(), local_day(account, now_ms)
        )

    async def _draft(self, occurrence: OccurrenceRow, now_ms: int) -> Drafted:
        recipe = occurrence.recipe
        account = self._accounts(occurrence.account)
        if account is None:
            raise NoDraft(_unknown(occurrence.account))
        by_model = bool(recipe.prompt) and not recipe.story
        asks = needs_yes(recipe, by_model=by_model, account_approves=account.approve_captions)
        occasion = Occasion(
            recipe,
            account,
            event_of(occurrence.payload),
            max(occurrence.due_ms, now_ms),
            with_line=carries_line(by_model=by_model, needs_yes=asks),
        )
        pool = await self._choice.pool(occurrence, occasion, now_ms)
        chosen: tuple[str, ...] = ()
        offered: tuple[OfferedPicture, ...] = ()
        if recipe.choice is Choice.MODEL:
            offered = await self._choice.offered(occasion, pool)
        else:
            chosen = self._choice.chosen(pool, now_ms)
        shown = Shown(
            shows=tuple(pool.catalogue[one].shows for one in chosen),
            offered=offered,
            count=recipe.count if offered else 0,
        )
        free = partial(self._choice.take_offered, pool, now_ms)
        written = await self._captioning.caption(occasion, shown, free)
        pictures = tuple(PostPicture(one) for one in chosen or written.pictures)
        ai_generated = by_model or any(pool.catalogue[one.id].ai_generated for one in pictures)
        draft = Draft(caption=written.caption, pictures=pictures, ai_generated=ai_generated)
        return Drafted(draft, asks)


def _unknown(account: str) -> Impossible:
    words = f"the account {account} is not set up: add it to [[accounts]], or change the account"
    return Impossible("account_unknown", words)


@asynccontextmanager
async def open_drafter(
    settings: Settings,
    store: DraftingStore,
    clock: Clock,
    *,
    moderator: Moderator | None = None,
    retrying: Retrying | None = None,
    spender: Spender | None = None,
) -> AsyncIterator[PostDrafter]:
    """A drafter for as long as the context is open, with connections to the model of its own.

    Nothing is reached before the first draft. Raises SettingsError for a missing
    VESTLUS_ENCRYPTION_KEY.
    """
    captions = open_captions(
        settings, store, clock=clock, moderator=moderator, retrying=retrying, spender=spender
    )
    async with open_bank(settings, store, clock) as bank, captions as model:
        yield PostDrafter(
            accounts=settings.account,
            pictures=bank,
            used=store,
            writer=model,
            moderator=model.moderator,
            searches=model.searches,
        )
