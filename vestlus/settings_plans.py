"""What schedules and event rules must be beside what each says by itself: names, accounts, and how
long posts are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from vestlus.settings_posts import PostPlan

if TYPE_CHECKING:
    from vestlus.settings import Settings

PLANS: Final = ("schedules", "event_rules")

Plan = TypeVar("Plan", bound=PostPlan)


def repeated(
    values: Mapping[str, Any], origin: Mapping[str, str], table: str, key: str
) -> list[str]:
    """Problems of tables of which each must have a ``key`` of its own."""
    given = [entry.get(key) for entry in values.get(table, ())]
    return [
        f"{origin.get(table, table)}.{at}.{key}: is the same as {table}.{given.index(one)}.{key}"
        for at, one in enumerate(given)
        if isinstance(one, str) and given.index(one) < at
    ]


def plan_problems(values: Mapping[str, Any], origin: Mapping[str, str]) -> list[str]:
    """Problems of schedules and event rules among each other, and with the accounts.

    Of values as they were given, so that these are told beside whatever else is wrong. Where no
    account is configured, that is another problem, or the demo makes one.
    """
    accounts = [entry.get("id") for entry in values.get("accounts", ())]
    problems = []
    for table in PLANS:
        problems += repeated(values, origin, table, "name")
        if accounts:
            named = [entry.get("account") for entry in values.get(table, ())]
            problems += strangers(named, accounts, origin.get(table, table))
    return problems


def strangers(named: Sequence[object], accounts: Sequence[object], where: str) -> list[str]:
    """Problems of plans that name none of the accounts, or none where there are several."""
    several = len({one for one in accounts if isinstance(one, str)}) > 1
    problems = []
    for at, account in enumerate(named):
        if account in (None, ""):
            if several:
                problems.append(f"{where}.{at}.account: is missing: there are several accounts")
        elif isinstance(account, str) and account not in accounts:
            problems.append(f"{where}.{at}.account: is not the id of an account that is set up")
    return problems


def with_account(plans: Sequence[Plan], accounts: Sequence[str]) -> tuple[Plan, ...]:
    """The plans, those without an account with the only one there is."""
    if len(accounts) != 1:
        return tuple(plans)
    return tuple(
        plan if plan.account else plan.model_copy(update={"account": accounts[0]}) for plan in plans
    )


def memory_problem(plan: PostPlan, posts_days: int) -> str:
    """What is wrong with a plan's ``not_again_days`` where its account's posts are kept so many
    days, after the name of the key; empty if nothing. Named pictures may come again at any time.
    """
    if plan.pictures or plan.not_again_days <= posts_days:
        return ""
    return (
        f"is {plan.not_again_days}, and posts of the account are kept {posts_days} days: a picture "
        f"of before that would come again; at most {posts_days}, or raise posts_days of the "
        "account's retention"
    )


def memory_problems(settings: Settings, origin: Mapping[str, str]) -> list[str]:
    """A line for each plan that is to remember pictures for longer than posts are kept."""
    periods = settings.periods
    tables: dict[str, Sequence[PostPlan]] = {
        "schedules": settings.schedules,
        "event_rules": settings.event_rules,
    }
    return [
        f"{origin.get(table, table)}.{at}.not_again_days: {problem}"
        for table, plans in tables.items()
        for at, plan in enumerate(plans)
        if (problem := memory_problem(plan, periods.of(plan.account or "").posts))
    ]
