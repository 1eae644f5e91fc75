"""What moderation's findings mean for an answer."""

from __future__ import annotations

from vestlus.assistant.moderation import Finding
from vestlus.conversation.reply import Concern
from vestlus.settings_account import Account


def concern_of_messages(finding: Finding, account: Account) -> Concern | None:
    """Why the user's messages are not answered by a model, if there is a reason."""
    if finding.emergency:
        return Concern.EMERGENCY
    if finding.flagged:
        return Concern.UNSAFE_MESSAGES
    return _of_failure(finding, account)


def concern_of_answer(finding: Finding, account: Account) -> Concern | None:
    """Why the model's answer is not sent, if there is a reason."""
    if finding.flagged or finding.emergency:
        return Concern.UNSAFE_ANSWER
    return _of_failure(finding, account)


def provider_moderates(account: Account, *, own_server: bool) -> bool:
    """Whether the filter of the model's provider is the account's moderator.

    ``own_server``: OPENAI_BASE_URL is set; see ``Account.moderation``.
    """
    return account.moderation == "provider" or (account.moderation == "auto" and own_server)


def _of_failure(finding: Finding, account: Account) -> Concern | None:
    hand_over = finding.failed and account.moderation_failure == "hand_over"
    return Concern.NOT_MODERATED if hand_over else None
