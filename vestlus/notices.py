"""What people are told, as a POST and as an e-mail say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vestlus.accounts.budgets import BudgetNotice
from vestlus.conversation.budget import NANO, Budget, Spent, Stage
from vestlus.hosting.turn_parts import HandedOver


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that people of an account are to know. Holds no user id."""

    account: str
    #: Its name in the log.
    name: str
    #: What the POST says.
    body: Mapping[str, str | int]
    #: What stands behind the account's name in the e-mail's subject, and the e-mail itself.
    subject: str
    text: str
    #: What the log says of it.
    about: Mapping[str, str | int]
    #: The conversation it tells of; empty for none.
    conversation: str = ""
    at_ms: int = 0


HANDED_OVER: Final = "handed_over"
#: What the subject of a mail says of each event.
_SUBJECTS: Final = {
    HANDED_OVER: "a conversation waits for a person",
    "account_stopped": "the account was stopped",
    "deletion_asked": "somebody asked Meta to have their data erased",
}


def of_hand_over(one: HandedOver) -> Notice:
    """That a user waits for a person, or that one is wanted for something else."""
    note = encodable(one.note)
    about = one.conversation
    return Notice(
        account=one.account,
        name="hand_over",
        body={
            "event": one.event,
            "account": one.account,
            "conversation": one.conversation,
            "note": note,
            "at_ms": one.at_ms,
        },
        subject=_SUBJECTS.get(one.event, _SUBJECTS[HANDED_OVER]),
        text=f"{note}\n\nConversation {about}\n" if about else f"{note}\n",
        about={"account": one.account, "conversation": about},
        conversation=about,
        at_ms=one.at_ms,
    )


def of_budget(one: BudgetNotice, currency: str) -> Notice:
    """That an account's daily budget for models is used up, or nearly."""
    words = used_words(one.budget, one.spent, currency)
    percent = int(one.stage)
    what = "is used up" if one.stage is Stage.SPENT else f"is used up to {percent} %"
    follows = (
        "People answer until the day is over: every conversation that goes on is handed over, and "
        "drafts of posts wait. The next day it goes on by itself; a larger daily_budget in "
        "vestlus.toml takes effect when the service is started again."
        if one.stage is Stage.SPENT
        else "When it is used up, conversations are handed over to people until the day is over."
    )
    return Notice(
        account=one.account,
        name="budget",
        body={
            "event": "daily_budget",
            "account": one.account,
            "day": one.day,
            "percent": percent,
            "spent": words,
            "at_ms": one.at_ms,
        },
        subject=f"the daily budget for models {what}",
        text=f"Spent on {one.day}: {words}.\n\n{follows}\n",
        about={"account": one.account, "day": one.day, "percent": percent},
    )


def used_words(budget: Budget, spent: Spent, currency: str) -> str:
    """How much of what is used up: ``4.02 of 5.00 EUR, 120,000 of 2,000,000 tokens``."""
    parts = []
    if budget.cost_nano:
        parts.append(f"{money(spent.cost_nano)} of {money(budget.cost_nano)} {currency}")
    if budget.tokens:
        parts.append(f"{spent.tokens:,} of {budget.tokens:,} tokens")
    return ", ".join(parts)


def money(nano: int) -> str:
    """An amount with two digits behind the point, more where there would be nothing to see."""
    amount = nano / NANO
    return f"{amount:,.2f}" if nano == 0 or amount >= 1 else f"{amount:.2g}"


def encodable(text: str) -> str:
    """The text with a question mark for every lone half of a pair, which UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
