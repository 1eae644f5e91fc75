"""The settings of one Instagram account that is served: a table ``[[accounts]]`` of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from vestlus.settings_prices import DailyBudget
from vestlus.settings_retention import AccountRetention
from vestlus.settings_values import (
    OptionalText,
    Token,
    account_id,
    address,
    blank_is_missing,
    holiday,
    language_tag,
    opening_times,
    timezone_name,
)

#: What can be made unreadable before a model sees it.
MaskedKind = Literal["personal_code", "card", "phone", "email"]

Texts = tuple[str, ...]
#: Language (BCP 47) to text, for what is said in the user's language.
ByLanguage = dict[Annotated[str, AfterValidator(language_tag)], str]


#: More than that is a slip: Meta's own limits are 300 at most.
PerSecond = Annotated[int, Field(ge=1, le=1000)]


#: More is no limit.
Answers = Annotated[int, Field(ge=0, le=100_000)]


class CallLimits(BaseModel):
    """How often an account may call, by class of call: ``[accounts.limits]``.

    The defaults are the lower ones where Meta's pages differ: "Instagram Platform Overview",
    "Messenger Platform rate limits", and Meta's Postman collection for posts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    #: Messages of all kinds, and with them typing, read marks, reactions and uploads.
    messages_per_second: PerSecond = 100
    #: Messages of pictures, which are counted above too. Meta names no limit of their own.
    pictures_per_second: PerSecond = 100
    #: Typing, read marks and reactions, which are counted above too.
    actions_per_second: PerSecond = 100
    #: Pictures given to Instagram to keep. Meta names 10 for audio and video only.
    uploads_per_second: PerSecond = 10
    #: Calls of the Conversations API.
    conversations_per_second: PerSecond = 2
    #: Calls of the Content Publishing API, of which Meta names none.
    publishing_per_second: PerSecond = 1
    #: Posts and media containers within any 24 hours.
    posts_per_day: Annotated[int, Field(ge=1, le=10_000)] = 100
    containers_per_day: Annotated[int, Field(ge=1, le=10_000)] = 400
    #: Private replies to comments on posts and reels.
    private_replies_per_hour: Annotated[int, Field(ge=1, le=10_000)] = 750


#: The zone of an account that names none, or is not in the settings.
DEFAULT_ZONE: Final = "Europe/Tallinn"


class Account(BaseModel):
    """One Instagram account that is served. ``docs/settings.md`` has the table."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    #: ``user_id`` of ``/me``, which is the webhook's ``entry.id``; not ``/me``'s ``id``.
    id: Annotated[str, AfterValidator(account_id)]
    name: str = ""
    #: What Graph is called with. Without it, ``vestlus accounts connect`` gives the account one.
    access_token: Annotated[Token | None, BeforeValidator(blank_is_missing)] = None

    #: A Markdown file: who answers, in which voice, and what it knows.
    persona: Path | None = None
    #: A folder of documents (Markdown, text, PDF) that answers rest on.
    knowledge: Path | None = None
    #: Short facts that every prompt carries: address, telephone, web page.
    facts: Texts = ()
    #: The language of answers when the user's own cannot be told. BCP 47.
    language: Annotated[str, AfterValidator(language_tag)] = "et"
    #: For opening hours and dates in prompts. IANA.
    timezone: Annotated[str, AfterValidator(timezone_name)] = DEFAULT_ZONE

    #: The model, or Azure deployment, of this account; VESTLUS_MODEL otherwise.
    model: OptionalText = None
    #: The key of this account; OPENAI_API_KEY otherwise.
    openai_api_key: Annotated[Token | None, BeforeValidator(blank_is_missing)] = None
    #: Whether pictures that users send are shown to the model.
    vision: bool = True

    #: Whether users are told that an automated assistant answers.
    disclosure: bool = True
    #: The words of it, by language; a text of the project's own where the language is not here.
    disclosure_texts: ByLanguage = {}
    #: The account's privacy notice, added to the disclosure.
    privacy_url: OptionalText = None

    #: How long the bot stays silent after a person's answer or a hand-over, minutes.
    pause_minutes: Annotated[float, Field(gt=0, le=60 * 24 * 30)] = 60.0
    #: Words and phrases with which a user gets a person, besides the project's own.
    handover_words: Texts = ()
    #: When people answer: ``Mon-Fri 09:00-17:00``, several if need be. Empty: no promise is made.
    working_hours: tuple[Annotated[str, AfterValidator(opening_times)], ...] = ()
    #: Days without people, ``2026-12-24``, or ``12-24`` for every year.
    holidays: tuple[Annotated[str, AfterValidator(holiday)], ...] = ()
    #: Answers wait for a person's yes before they are sent.
    approve: bool = False
    #: Who is told of hand-overs: an address that gets a POST, and an e-mail address.
    #: The first may hold a key, as the addresses of chat services do.
    notify_url: Annotated[OptionalText, Field(repr=False)] = None
    notify_email: OptionalText = None

    #: Captions that the model wrote wait for a person's yes before they go out.
    approve_captions: bool = True
    #: The line under captions that the model wrote and nobody approved, by language.
    caption_lines: ByLanguage = {}

    #: Texts that the Instagram app sends by itself (greetings, away messages): no person's.
    automation_texts: Texts = ()
    #: How our own echoes are told from a person's messages: by Graph's message id, by content.
    match_echo_ids: bool = True
    match_echo_content: bool = True

    #: How often Meta lets this account call.
    limits: CallLimits = CallLimits()
    #: How long its things are kept.
    retention: AccountRetention = AccountRetention()

    #: Answers by the model that one user gets within an hour and within a day, from the first on;
    #: 0 for no limit. VESTLUS_ANSWERS_PER_USER_HOUR and _DAY otherwise.
    answers_per_user_hour: Answers | None = None
    answers_per_user_day: Answers | None = None
    #: What a user is told, once, who has had so many, by language.
    limit_texts: ByLanguage = {}

    #: What the account may spend on models in a day of its zone; no limit without one.
    daily_budget: DailyBudget | None = None

    #: Which personal data the model does not get to see.
    mask: tuple[MaskedKind, ...] = ()
    #: Who moderates: OpenAI's endpoint, the provider's own filter alone, nobody. ``auto`` is
    #: OpenAI's where OPENAI_BASE_URL is not set, and the provider's own filter elsewhere.
    moderation: Literal["auto", "openai", "provider", "off"] = "auto"
    #: When moderation fails: answer all the same, or hand over.
    moderation_failure: Literal["answer", "hand_over"] = "answer"
    #: What is said to somebody in danger, by language.
    emergency_texts: ByLanguage = {}
    #: Words and phrases that mean an emergency, besides the project's own.
    emergency_words: Texts = ()
    #: What is said when no answer can be given, by language.
    apology_texts: ByLanguage = {}
    #: How long a model that does not answer is waited for before that is said, seconds.
    apology_after_seconds: Annotated[float, Field(ge=0, le=6 * 60 * 60)] = 120.0

    @field_validator("privacy_url", "notify_url")
    @classmethod
    def _http_address(cls, value: str | None) -> str | None:
        return address(value, ("http", "https"))

    @model_validator(mode="after")
    def _echoes_can_be_told(self) -> Account:
        if not (self.match_echo_ids or self.match_echo_content):
            message = "match_echo_ids or match_echo_content must be on: else every echo is taken "
            raise ValueError(message + "for a person's answer")
        return self
