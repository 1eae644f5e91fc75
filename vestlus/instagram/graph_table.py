"""The table of the Graph API's errors: what each means, and what is to be done about it.

Codes and meanings: Meta, "Messenger Platform: common error codes", "Graph API: handling errors",
"Graph API: rate limiting" and "Instagram Platform: error codes" (publishing); for 230 and 9010,
what open-source inboxes meet. What to do about each is our judgement: where something may have been
done all the same, look before doing it again. :mod:`vestlus.instagram.graph_errors` reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Remedy(StrEnum):
    """What to do when a request met an error."""

    #: Not done. The whole account waits, then the same may be tried again: ``Throttled``.
    RETRY_AFTER = "retry after"
    #: Not done. This one thing waits, the account's others go on; then the same may be tried
    #: again: ``NotSent``.
    WAIT = "wait"
    #: Perhaps done. Look before trying again: ``OutcomeUnknown``.
    LOOK_FIRST = "look first"
    #: Not done, and the same input will never do: ``Refused``.
    FIX_INPUT = "fix input"
    #: Not done, and this media container will never do; a new one of the same may: ``Refused``.
    NEW_CONTAINER = "new container"
    #: Not done. Nothing of this account works until it is connected anew: ``TokenRejected``.
    REAUTHENTICATE = "re-authenticate"
    #: Not done. Meta has stopped this account; a person must look: ``Refused``. Said of a post,
    #: it stops the account's posts; messages are told by errors of their own.
    STOP_ACCOUNT = "stop account"
    #: Not done, and nothing to mend on our side: ``Refused``.
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. ``wait_seconds`` is used where no header tells a longer wait."""

    remedy: Remedy
    #: A short stable word for measures and dead letters.
    reason: str
    wait_seconds: float = 60.0
    #: How often the same may be tried again, and what to do then; ``None`` for both is "for as
    #: long as it is wanted".
    tries: int | None = None
    then: Remedy | None = None
    #: A person should be told, besides. Those of stopped accounts are in any case.
    alert: bool = False


_THROTTLED: Final = Rule(Remedy.RETRY_AFTER, "throttled")
_TOKEN: Final = Remedy.REAUTHENTICATE

#: By code and subcode; a subcode of None is the code's own row, for all other subcodes.
RULES: Final[dict[tuple[int, int | None], Rule]] = {
    # 1/1357046: "messages are all sent successfully, but the endpoint returns an error"
    (1, None): Rule(Remedy.LOOK_FIRST, "unknown_error"),
    (1, 1357046): Rule(Remedy.LOOK_FIRST, "sent_with_error"),
    # Also what a block by the user looks like.
    (2, None): Rule(Remedy.LOOK_FIRST, "temporary_error"),
    # Limits. Calling while limited prolongs it. Code 4 says something else of posts, below.
    (4, None): _THROTTLED,
    (17, None): _THROTTLED,
    (32, None): _THROTTLED,
    (341, None): _THROTTLED,
    (613, None): _THROTTLED,
    # An account's messages a second: over in seconds, and Meta states no wait for it.
    (613, 2534040): Rule(Remedy.RETRY_AFTER, "throttled", wait_seconds=5.0),
    (80001, None): _THROTTLED,
    (80002, None): _THROTTLED,
    (80006, None): _THROTTLED,
    (613, 2018338): Rule(Remedy.STOP_ACCOUNT, "abusive_tag_rate"),
    # "Wait and retry": a policy block, which minutes do not lift.
    (368, None): Rule(Remedy.RETRY_AFTER, "policy_block", wait_seconds=3600.0, alert=True),
    # Permission and the messaging window.
    (10, 2534022): Rule(Remedy.DROP, "outside_window"),
    (10, 2018278): Rule(Remedy.DROP, "outside_window"),
    (10, 2018108): Rule(Remedy.DROP, "person_unavailable"),
    (10, 1893063): Rule(Remedy.STOP_ACCOUNT, "account_restricted"),
    (10, 2534077): Rule(_TOKEN, "account_link_broken"),
    # Parameters.
    (100, None): Rule(Remedy.FIX_INPUT, "invalid_parameter"),
    (100, 2534014): Rule(Remedy.DROP, "no_matching_user"),
    (100, 2018001): Rule(Remedy.DROP, "no_matching_user"),
    (100, 2534015): Rule(Remedy.FIX_INPUT, "invalid_message"),
    (100, 2534025): Rule(Remedy.FIX_INPUT, "invalid_private_reply"),
    (100, 2018014): Rule(Remedy.FIX_INPUT, "action_with_message"),
    (100, 2534029): Rule(Remedy.STOP_ACCOUNT, "messaging_blocked"),
    (100, 2534037): Rule(Remedy.DROP, "not_thread_owner"),
    (100, 2018300): Rule(Remedy.DROP, "not_thread_owner"),
    (100, 2018008): Rule(Remedy.FIX_INPUT, "media_unreachable"),
    (100, 2018047): Rule(Remedy.FIX_INPUT, "media_type"),
    (100, 2018109): Rule(Remedy.FIX_INPUT, "media_size"),
    (100, 2018294): Rule(Remedy.FIX_INPUT, "media_timeout"),
    # The access token.
    (190, None): Rule(_TOKEN, "token_invalid"),
    (190, 458): Rule(_TOKEN, "app_not_installed"),
    (190, 459): Rule(_TOKEN, "token_checkpoint"),
    (190, 460): Rule(_TOKEN, "password_changed"),
    (190, 463): Rule(_TOKEN, "token_expired"),
    (190, 467): Rule(_TOKEN, "token_invalid"),
    # People and owners.
    (200, 2534041): Rule(Remedy.STOP_ACCOUNT, "message_access_disabled"),
    (200, 2018028): Rule(Remedy.DROP, "recipient_without_role"),
    (200, 1545041): Rule(Remedy.DROP, "person_unavailable"),
    (551, None): Rule(Remedy.DROP, "person_unavailable"),
    (551, 1545041): Rule(Remedy.DROP, "person_unavailable"),
    (230, None): Rule(Remedy.DROP, "consent_required"),
    (9010, None): Rule(Remedy.DROP, "no_matching_user"),
    # Publishing. A server's error there may come after the post is out: its container's
    # ``status_code`` tells.
    (-1, None): Rule(Remedy.LOOK_FIRST, "server_error"),
    (-1, 2207001): Rule(Remedy.LOOK_FIRST, "server_error"),
    (-1, 2207032): Rule(Remedy.NEW_CONTAINER, "container_failed"),
    (-1, 2207053): Rule(Remedy.NEW_CONTAINER, "upload_failed"),
    # Our server, or the way to it, was slow.
    (-2, 2207003): Rule(
        Remedy.WAIT, "download_timeout", wait_seconds=60.0, tries=3, then=Remedy.FIX_INPUT
    ),
    (-2, 2207020): Rule(Remedy.NEW_CONTAINER, "container_expired"),
    (1, 2207057): Rule(Remedy.FIX_INPUT, "thumbnail_offset"),
    # Suspected spam: no limit that passes by itself.
    (4, 2207051): Rule(Remedy.STOP_ACCOUNT, "publishing_restricted"),
    # The day's posts are used up, in a window that slides.
    (9, 2207042): Rule(Remedy.WAIT, "publishing_limit", wait_seconds=3600.0),
    (24, 2207006): Rule(Remedy.NEW_CONTAINER, "container_not_found"),
    # "Try again one or two times in the next 30 seconds to two minutes", then a new container.
    (24, 2207008): Rule(
        Remedy.WAIT, "container_missing", wait_seconds=60.0, tries=2, then=Remedy.NEW_CONTAINER
    ),
    (25, 2207050): Rule(Remedy.STOP_ACCOUNT, "account_inactive"),
    (100, 2207023): Rule(Remedy.FIX_INPUT, "media_type"),
    (352, 2207026): Rule(Remedy.FIX_INPUT, "video_format"),
    (9004, 2207052): Rule(Remedy.FIX_INPUT, "media_unreachable"),
    # Meta: ask once a minute, for five minutes at most.
    (9007, 2207027): Rule(
        Remedy.WAIT, "container_not_ready", wait_seconds=60.0, tries=5, then=Remedy.NEW_CONTAINER
    ),
    (36000, 2207004): Rule(Remedy.FIX_INPUT, "image_size"),
    (36001, 2207005): Rule(Remedy.FIX_INPUT, "image_format"),
    (36003, 2207009): Rule(Remedy.FIX_INPUT, "image_ratio"),
    (36004, 2207010): Rule(Remedy.FIX_INPUT, "caption_too_long"),
}

#: Subcodes that Meta lists without their code.
SUBCODES: Final[dict[int, Rule]] = {
    2018300: Rule(Remedy.DROP, "not_thread_owner"),
    2207028: Rule(Remedy.FIX_INPUT, "carousel_count"),
    2207035: Rule(Remedy.FIX_INPUT, "product_tags"),
    2207036: Rule(Remedy.FIX_INPUT, "product_tags"),
    2207037: Rule(Remedy.FIX_INPUT, "product_tags"),
    2207040: Rule(Remedy.FIX_INPUT, "too_many_tags"),
}
