"""Why there is no draft, and what to mend, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vestlus.assistant.breaker import CIRCUIT_OPEN
from vestlus.assistant.failures import Reason
from vestlus.errors import AssistantError, AssistantUnavailable
from vestlus.planning.ports import Impossible, NotNow


class NoDraft(Exception):
    """There is no draft: control flow within the making of one."""

    def __init__(self, outcome: NotNow | Impossible) -> None:
        super().__init__(outcome)
        self.outcome = outcome


_AGAIN: Final = "it is tried again until it is too late for the post"

#: Of a model that cannot be had. It comes back, or somebody mends it.
_AWAY: Final[Mapping[str, str]] = {
    Reason.QUOTA: "the model's provider says that the quota is used up: raise it",
    Reason.MODEL_NOT_CONFIGURED: (
        "the model's provider does not take the key or does not know the model: `vestlus doctor` "
        "says which"
    ),
    Reason.BUDGET_SPENT: (
        "the account has used up its daily_budget for models: raise it, or wait until tomorrow"
    ),
    CIRCUIT_OPEN: "the model's server has not answered for a while",
    Reason.MALFORMED_RESPONSE: "the model's server gives answers that cannot be read",
    Reason.NO_OUTPUT: "the model gave no answer",
    Reason.NOT_FINISHED: "the model did not finish its answer",
    Reason.TRUNCATED: "the model's answer was cut off",
}

#: Outputs that say more of the server than of the prompt.
_PASSING: Final = frozenset(
    {Reason.MALFORMED_RESPONSE, Reason.NO_OUTPUT, Reason.NOT_FINISHED, Reason.TRUNCATED}
)

#: Of what a model wrote, twice.
_TWICE: Final[Mapping[str, str]] = {
    Reason.TOO_LONG: (
        "wrote more than Instagram takes (2200 characters, 30 hashtags, 20 mentions): ask for less "
        "in the prompt"
    ),
    Reason.LINK_NOT_GIVEN: (
        "wrote a web address that nobody gave it: name it in the prompt, or let the event's field "
        "through with |as_is"
    ),
    Reason.PERSONAL_DATA_NOT_GIVEN: (
        "wrote an @name, or contact or personal data, that nobody gave it: name it in the prompt, "
        "or let the event's field through with |as_is"
    ),
    Reason.PROMPT_LEAK: "repeated its rules: ask for something else in the prompt",
    Reason.UNKNOWN_MARK: "wrote a mark in the place of personal data: see `mask` of the account",
    Reason.WRONG_LANGUAGE: "wrote in another language: write the prompt in that of the caption",
    Reason.UNKNOWN_PICTURE: "named pictures that it was not offered: choose them by tags instead",
    Reason.PICTURES_NOT_CHOSEN: "chose too few or too many pictures: choose them by tags instead",
    Reason.REPEATED_PICTURE: "chose a picture that another post has: add pictures to the bank",
    Reason.BLANK: "wrote nothing: say more in the prompt",
    Reason.MALFORMED_REPLY: "answered in another form than asked for: take another model",
}

_REFUSED: Final[Mapping[str, str]] = {
    Reason.CONTENT_FILTER: "the filter of the model's provider refuses it: change the prompt",
    Reason.REFUSAL: "the model refuses to write it: change the prompt",
    Reason.CONTEXT_LENGTH: "the prompt is too long for the model: shorten it or the persona",
    Reason.BAD_REQUEST: "the model's server refuses the request: `vestlus doctor` looks into it",
}


def of_model(error: AssistantError) -> NotNow | Impossible:
    """What it means for a draft that the model failed."""
    reason = error.reason
    if isinstance(error, AssistantUnavailable) or reason in _PASSING:
        words = _AWAY.get(reason, f"the model cannot be reached now ({reason})")
        return NotNow(f"model_{reason}", f"{words}; {_AGAIN}")
    if reason in _REFUSED:
        return Impossible(f"caption_{reason}", _REFUSED[reason])
    words = _TWICE.get(reason, f"wrote something that cannot be used ({reason})")
    return Impossible(f"caption_{reason}", f"twice the model {words}")


#: The caption could not be moderated, and what cannot be moderated is not posted.
NOT_MODERATED: Final = NotNow(
    "not_moderated", f"the moderation of the caption does not answer; {_AGAIN}"
)

#: The caption was moderated.
FLAGGED: Final = Impossible(
    "caption_flagged",
    "moderation finds that the caption must not be posted: change the prompt or the template, or "
    "look into what the event says",
)
