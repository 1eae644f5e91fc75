"""From a recipe to a draft: captions, pictures, approval, and every way in which there is none."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from tests.fakes.drafting import ACCOUNT, DAY, DUE, Drafting, bank_picture, occurrence, recipe
from vestlus.assistant.moderation import Finding
from vestlus.errors import AssistantInvalid, AssistantUnavailable
from vestlus.instagram.caption_limits import MAX_CAPTION
from vestlus.planning.ports import Drafted, Impossible, NotNow
from vestlus.scheduling.recipe import Choice, Recipe
from vestlus.store.plan_rows import OccurrenceRow
from vestlus.store.post_rows import PostPicture

NAMED = recipe(pictures=("hall",))
TAGGED = recipe(choice=Choice.TAGGED, tags=("sea",))
WRITTEN = recipe(pictures=("hall",), prompt="Write about {{ event.title }}")


async def drafted(drafting: Drafting, one: OccurrenceRow, now_ms: int = DUE) -> Drafted:
    outcome = await drafting.drafter.draft(one, now_ms)
    assert isinstance(outcome, Drafted), outcome
    return outcome


async def none(drafting: Drafting, of: Recipe, payload: str = "") -> NotNow | Impossible:
    outcome = await drafting.drafter.draft(occurrence(of, payload=payload), DUE)
    assert not isinstance(outcome, Drafted)
    return outcome


def ids(one: Drafted) -> tuple[str, ...]:
    return tuple(picture.id for picture in one.draft.pictures)


async def test_named_pictures_and_a_template_make_a_draft_that_needs_no_yes() -> None:
    drafting = Drafting(bank_picture("hall"), bank_picture("park"))
    of = recipe(
        pictures=("park", "hall"),
        count=2,
        template="{{ event.title }} on {{ now.strftime('%d.%m kell %H.%M') }}, {{ account.name }}",
    )
    one = await drafted(drafting, occurrence(of, payload='{"title": "Kontsert"}'))
    assert one.draft.caption == "Kontsert on 24.12 kell 18.05, Raekoda"
    assert one.draft.pictures == (PostPicture("park"), PostPicture("hall"))
    assert (one.needs_yes, one.draft.ai_generated) == (False, False)


async def test_a_post_with_a_picture_that_ai_made_is_disclosed_as_such() -> None:
    drafting = Drafting(bank_picture("hall", ai_generated=True), bank_picture("park"))
    both = recipe(pictures=("park", "hall"), count=2)
    assert (await drafted(drafting, occurrence(both))).draft.ai_generated
    park = recipe(pictures=("park",))
    assert not (await drafted(drafting, occurrence(park, id_="o2"))).draft.ai_generated


async def test_without_words_there_is_no_caption_and_a_story_has_one_picture() -> None:
    drafting = Drafting(bank_picture("hall"))
    one = await drafted(drafting, occurrence(recipe(pictures=("hall",), story=True)))
    assert (one.draft.caption, ids(one)) == ("", ("hall",))
    assert not drafting.moderator.seen


async def test_wrong_pictures_are_named_each_with_what_is_wrong() -> None:
    drafting = Drafting(
        bank_picture("hall", in_posts=False),
        bank_picture("fair", valid_until=date(2026, 12, 23)),
        bank_picture("other", accounts=("9",)),
        bank_picture("good"),
    )
    of = recipe(pictures=("hall", "fair", "other", "unheard", "good"), count=5)
    outcome = await none(drafting, of)
    assert isinstance(outcome, Impossible)
    assert outcome.reason == "picture_unavailable"
    assert [part.partition(":")[0] for part in outcome.problem.split("; ")] == [
        "hall",
        "fair",
        "other",
        "unheard",
    ]
    assert "vestlus images list" in outcome.problem


async def test_the_day_that_counts_is_the_one_on_which_the_post_goes_out() -> None:
    drafting = Drafting(bank_picture("hall", valid_from=date(2026, 12, 24)))
    await drafted(drafting, occurrence(NAMED), now_ms=DUE - 3 * DAY)
    outcome = await drafting.drafter.draft(occurrence(NAMED, due_ms=DUE - DAY), DUE - 3 * DAY)
    assert isinstance(outcome, Impossible)


async def test_tags_choose_what_was_never_used_then_what_was_used_longest_ago() -> None:
    pictures = [bank_picture(name, "Sea", "summer") for name in ("a", "b", "c", "d")]
    used = {"a": DUE - 50 * DAY, "b": DUE - 40 * DAY, "c": DUE - 20 * DAY}
    drafting = Drafting(*pictures, bank_picture("town", "summer"), used=used)
    of = recipe(choice=Choice.TAGGED, tags=("sea", "Summer"), count=3)
    assert ids(await drafted(drafting, occurrence(of))) == ("d", "a", "b")
    assert drafting.used.asked == [(ACCOUNT, DUE - 400 * DAY)]


async def test_a_daily_post_gets_a_picture_again_after_its_days_over_a_change_of_clocks() -> None:
    drafting = Drafting(bank_picture("a", "sea"), used={"a": DUE - 30 * DAY + 3_600_000})
    assert ids(await drafted(drafting, occurrence(TAGGED))) == ("a",)


async def test_too_few_pictures_say_how_many_and_what_to_do() -> None:
    drafting = Drafting(bank_picture("a", "sea"), bank_picture("b", "sea"), used={"a": DUE - DAY})
    of = recipe(choice=Choice.TAGGED, tags=("sea",), count=2)
    outcome = await none(drafting, of)
    assert outcome == Impossible(
        "too_few_pictures",
        "2 wanted, and of 2 for posts of this account with the tags sea, 1 not used within 30 "
        "days: add pictures, or lower not_again_days",
    )
    assert (
        "mend their tags"
        in (await none(drafting, recipe(choice=Choice.TAGGED, tags=("x",)))).problem
    )


async def test_drafts_at_the_same_time_do_not_take_the_same_picture() -> None:
    drafting = Drafting(*(bank_picture(name, "sea") for name in "abc"))
    rows = [occurrence(TAGGED, id_=f"o{number}") for number in range(4)]
    outcomes = await asyncio.gather(*(drafting.drafter.draft(one, DUE) for one in rows))
    made = [one for one in outcomes if isinstance(one, Drafted)]
    assert sorted(ids(one) for one in made) == [("a",), ("b",), ("c",)]
    assert [type(one) for one in outcomes].count(Impossible) == 1
    # Where a picture may come again at once, each gets another one all the same.
    freely = recipe(choice=Choice.TAGGED, tags=("sea",), not_again_days=0)
    other = Drafting(*(bank_picture(name, "sea") for name in "abc"))
    again = [await drafted(other, occurrence(freely, id_=f"p{n}")) for n in range(4)]
    assert {ids(one) for one in again[:3]} == {("a",), ("b",), ("c",)}


async def test_a_draft_that_failed_or_is_made_anew_gives_its_picture_back() -> None:
    drafting = Drafting(bank_picture("a", "sea"))
    failing = recipe(choice=Choice.TAGGED, tags=("sea",), template="{{ event.title }}")
    await none(drafting, failing)
    first = await drafted(drafting, occurrence(TAGGED))
    drafting.used.used = {"a": DUE}
    anew = occurrence(TAGGED, pictures=first.draft.pictures)
    assert ids(await drafted(drafting, anew)) == ("a",)
    assert isinstance(await drafting.drafter.draft(occurrence(TAGGED, id_="o2"), DUE), Impossible)


async def test_the_model_writes_what_waits_for_a_yes() -> None:
    drafting = Drafting(bank_picture("hall", shows="The great hall"))
    one = await drafted(drafting, occurrence(WRITTEN, payload='{"title": "Kontsert @x"}'))
    assert (one.draft.caption, one.needs_yes, one.draft.ai_generated) == ("Sõnad.", True, True)
    (task,) = drafting.writer.tasks
    assert task.task == "Write about “Kontsert x”"
    assert task.event == {"title": "Kontsert x"}
    assert (task.language, task.shows, task.count) == ("et", ("The great hall",), 0)
    assert f"{task.local:%H:%M}" == "18:05"
    assert task.characters == MAX_CAPTION
    assert drafting.moderator.seen == ["Sõnad."]


@pytest.mark.parametrize(
    ("account", "of", "line"),
    [
        ({"approve_captions": False}, WRITTEN, "Teksti kirjutas tehisaru."),
        ({"caption_lines": {"et": "Masina kirjutatud."}}, None, "Masina kirjutatud."),
    ],
)
async def test_what_nobody_reads_beforehand_says_that_a_model_wrote_it(
    account: dict[str, object], of: Recipe | None, line: str
) -> None:
    drafting = Drafting(bank_picture("hall"), account=account)
    plain = recipe(pictures=("hall",), prompt="Write.", approve=False)
    one = await drafted(drafting, occurrence(of or plain, payload='{"title": "x"}'))
    assert one.draft.caption == f"Sõnad.\n\n{line}"
    assert not one.needs_yes
    assert drafting.writer.tasks[0].characters == MAX_CAPTION - len(line) - 2


async def test_the_line_is_in_the_language_of_the_caption() -> None:
    drafting = Drafting(bank_picture("hall"))
    of = recipe(pictures=("hall",), prompt="Write.", approve=False, language="en-GB")
    assert (await drafted(drafting, occurrence(of))).draft.caption.endswith("written by AI.")


async def test_a_recipe_may_ask_for_a_yes_to_a_template_too() -> None:
    drafting = Drafting(bank_picture("hall"))
    one = await drafted(
        drafting, occurrence(recipe(pictures=("hall",), template="x", approve=True))
    )
    assert (one.needs_yes, one.draft.ai_generated, one.draft.caption) == (True, False, "x")


@pytest.mark.parametrize(
    ("failure", "kind", "reason", "words"),
    [
        (AssistantUnavailable("timeout"), NotNow, "model_timeout", "it is tried again"),
        (AssistantUnavailable("quota"), NotNow, "model_quota", "raise it"),
        (AssistantUnavailable("circuit_open"), NotNow, "model_circuit_open", "tried again"),
        (AssistantInvalid("truncated"), NotNow, "model_truncated", "cut off"),
        (AssistantInvalid("too_long"), Impossible, "caption_too_long", "ask for less"),
        (AssistantInvalid("link_not_given"), Impossible, "caption_link_not_given", "|as_is"),
        (AssistantInvalid("content_filter"), Impossible, "caption_content_filter", "the filter"),
        (AssistantInvalid("unheard_of"), Impossible, "caption_unheard_of", "unheard_of"),
    ],
)
async def test_a_model_that_fails_is_tried_again_or_needs_mending(
    failure: AssistantInvalid | AssistantUnavailable, kind: type, reason: str, words: str
) -> None:
    drafting = Drafting(bank_picture("hall"))
    drafting.writer.script.append(failure)
    outcome = await none(drafting, recipe(pictures=("hall",), prompt="Write."))
    assert isinstance(outcome, kind)
    assert outcome.reason == reason
    assert words in outcome.problem


async def test_nothing_is_posted_that_moderation_flags_or_did_not_see() -> None:
    drafting = Drafting(bank_picture("hall"))
    of = recipe(pictures=("hall",), prompt="Write.")
    drafting.moderator.finding = Finding(flagged=True, emergency=False)
    flagged = await none(drafting, of)
    assert isinstance(flagged, Impossible)
    assert flagged.reason == "caption_flagged"
    drafting.moderator.finding = Finding(flagged=False, emergency=False, failed=True)
    failed = await none(drafting, of)
    assert isinstance(failed, NotNow)
    assert failed.reason == "not_moderated"


async def test_a_template_is_moderated_where_an_event_has_a_part_in_it() -> None:
    drafting = Drafting(bank_picture("hall"))
    of = recipe(pictures=("hall",), template="Tere {{ event.title|default('') }}")
    drafting.moderator.finding = Finding(flagged=True, emergency=False)
    assert (await drafted(drafting, occurrence(of))).draft.caption == "Tere"
    assert (await none(drafting, of, '{"title": "x"}')).reason == "caption_flagged"


async def test_a_field_that_the_event_does_not_have_is_named() -> None:
    drafting = Drafting(bank_picture("hall"))
    for of in (WRITTEN, recipe(pictures=("hall",), template="{{ event.title }}")):
        outcome = await none(drafting, of, '{"name": "x"}')
        assert isinstance(outcome, Impossible)
        assert "'title'" in outcome.problem
    assert (await none(drafting, WRITTEN, "[1]")).reason == "event_unreadable"
    empty = recipe(pictures=("hall",), prompt="{% if event.a is defined %}Write.{% endif %}")
    assert (await none(drafting, empty, '{"b": 1}')).reason == "prompt_not_rendered"


async def test_a_link_of_an_event_goes_into_a_caption_only_where_the_template_says_so() -> None:
    drafting = Drafting(bank_picture("hall"), account={"facts": ["Veeb: vald.ee"]})
    plain = recipe(pictures=("hall",), template="Vaata {{ event.url }}")
    outcome = await none(drafting, plain, '{"url": "https://evil.example.com/x"}')
    assert outcome.reason == "link_in_event"
    assert "|as_is" in outcome.problem
    pieces = recipe(pictures=("hall",), template="{{ event.a }}{{ event.b }}")
    assert (await none(drafting, pieces, '{"a": "evil.", "b": "com"}')).reason == "link_in_event"
    given = await drafted(drafting, occurrence(plain, payload='{"url": "vald.ee"}'))
    assert given.draft.caption == "Vaata vald.ee"
    trusted = recipe(pictures=("hall",), template="Vaata {{ event.url|as_is }} ja https://a.ee/b")
    one = await drafted(drafting, occurrence(trusted, payload='{"url": "https://c.ee/d"}'))
    assert one.draft.caption == "Vaata https://c.ee/d ja https://a.ee/b"


@pytest.mark.parametrize("text", ["õ" * 2201, "#a " * 31, "@a " * 21])
async def test_a_caption_that_instagram_does_not_take_says_what_it_has(text: str) -> None:
    drafting = Drafting(bank_picture("hall"))
    outcome = await none(drafting, recipe(pictures=("hall",), template=text))
    assert outcome.reason == "caption_too_long"
    assert "Instagram takes 2200, 30 and 20" in outcome.problem


async def test_the_model_chooses_among_what_may_be_posted_and_was_not_used_lately() -> None:
    pictures = [bank_picture(name, "sea") for name in "abc"]
    drafting = Drafting(*pictures, bank_picture("x"), used={"a": DUE - DAY})
    of = recipe(choice=Choice.MODEL, tags=("sea",), prompt="Write.", count=2)
    one = await drafted(drafting, occurrence(of))
    assert ids(one) == ("b", "c")
    assert [each.id for each in drafting.writer.tasks[0].offered] == ["b", "c"]
    outcome = await none(drafting, recipe(choice=Choice.MODEL, prompt="Write.", count=4))
    assert outcome.reason == "too_few_pictures"
    assert len(drafting.writer.tasks) == 1


async def test_the_model_may_choose_for_words_that_are_given() -> None:
    drafting = Drafting(bank_picture("a"), bank_picture("b"))
    one = await drafted(drafting, occurrence(recipe(choice=Choice.MODEL, template="Tere!")))
    assert (one.draft.caption, ids(one), one.draft.ai_generated) == ("Tere!", ("a",), False)
    assert drafting.writer.tasks[0].task.endswith("Its caption: Tere!")
    assert not drafting.writer.tasks[0].writes


async def test_of_many_pictures_the_model_is_offered_those_that_fit() -> None:
    pictures = [bank_picture(f"p{number:03}", shows=f"Street {number}") for number in range(90)]
    concert = bank_picture("z", shows="A concert in the hall")
    drafting = Drafting(*pictures, concert, account={"mask": ["email"]})
    of = recipe(choice=Choice.MODEL, prompt="Write about {{ event.what }}")
    one = await drafted(drafting, occurrence(of, payload='{"what": "a concert", "by": "a@b.ee"}'))
    assert ids(one) == ("z",)
    assert len(drafting.writer.tasks[0].offered) == 12
    assert drafting.search.queries == ["Write about “a concert” a concert [email-1]"]


async def test_a_picture_that_another_draft_took_meanwhile_is_not_taken_by_the_model() -> None:
    drafting = Drafting(bank_picture("a", "sea"), bank_picture("b", "sea"))
    others: list[Drafted] = []

    async def meanwhile() -> None:
        others.append(await drafted(drafting, occurrence(TAGGED, id_="o2")))

    drafting.writer.meanwhile = meanwhile
    of = recipe(choice=Choice.MODEL, tags=("sea",), prompt="Write.")
    one = await drafted(drafting, occurrence(of))
    assert [each.id for each in drafting.writer.tasks[0].offered] == ["a", "b"]
    assert (ids(others[0]), ids(one)) == (("a",), ("b",))


async def test_a_cancelled_draft_gives_its_pictures_back() -> None:
    drafting = Drafting(bank_picture("a", "sea"))
    thinking = asyncio.Event()

    async def for_ever() -> None:
        thinking.set()
        await asyncio.Event().wait()

    drafting.writer.meanwhile = for_ever
    of = recipe(choice=Choice.TAGGED, tags=("sea",), prompt="Write.")
    task = asyncio.create_task(drafting.drafter.draft(occurrence(of), DUE))
    await thinking.wait()
    assert isinstance(await drafting.drafter.draft(occurrence(TAGGED, id_="o2"), DUE), Impossible)
    task.cancel()
    await asyncio.wait([task])
    assert ids(await drafted(drafting, occurrence(TAGGED, id_="o2"))) == ("a",)


async def test_an_account_that_is_not_set_up_is_named() -> None:
    drafting = Drafting(bank_picture("hall"))
    row = occurrence(Recipe(account="9", pictures=("hall",)))
    outcome = await drafting.drafter.draft(row, DUE)
    assert outcome == await drafting.drafter.check(row, DUE)
    assert isinstance(outcome, Impossible)
    assert outcome.reason == "account_unknown"


async def test_a_draft_is_looked_at_again_when_it_is_due() -> None:
    drafting = Drafting(bank_picture("hall"), bank_picture("park", valid_until=date(2026, 12, 24)))
    row = occurrence(NAMED, pictures=(PostPicture("hall"), PostPicture("park")), caption="x")
    assert await drafting.drafter.check(row, DUE) is None
    late = await drafting.drafter.check(row, DUE + DAY)
    assert late is not None
    assert late.problem.startswith("park: is not for posts of this account on 2026-12-25")
    drafting.withdraw("hall")
    gone = await drafting.drafter.check(row, DUE)
    assert gone is not None
    assert gone.reason == "picture_unavailable"
    long = occurrence(NAMED, pictures=(PostPicture("park"),), caption="õ" * 2201)
    told = await drafting.drafter.check(long, DUE)
    assert told is not None
    assert told.reason == "caption_too_long"
    assert await drafting.drafter.check(occurrence(NAMED), DUE) is not None
