"""How webhooks are sent, as the control API may change it."""

from dataclasses import asdict, dataclass, fields, replace

from vestlus.simulator.jsontypes import (
    BadInputError,
    JsonObject,
    get_choice,
    get_flag,
    get_number,
    get_range,
)

# What an account can be subscribed to with Instagram Login (Webhooks setup page). message_edit is
# not listed there, so it is refused.
SUBSCRIBABLE = frozenset(
    {
        *("comments", "live_comments", "messages", "message_echoes"),
        *("message_reactions", "messaging_handover", "messaging_optins", "messaging_postbacks"),
        *("messaging_referral", "messaging_seen", "standby"),
    }
)
# Webhooks setup page: at most 1000 updates in a POST.
MOST_EVENTS = 1000
# Whether an echo has the id that the send returned, and its text, to the letter.
ECHO_MIDS = ("same", "different")
ECHO_TEXTS = ("same", "altered")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """How webhooks are sent; the control API changes it while running. Times in seconds.

    `timeout_seconds` is the 5 s within which the Messenger Platform wants its 200. What echoes
    bear is not documented by Meta, so it can be changed: see `ECHO_MIDS` and `ECHO_TEXTS`.
    """

    paused: bool = False
    batch_events: int = 1
    batch_ms: float = 50.0
    entry_events: int = 10
    duplicate_probability: float = 0.0
    delay_seconds: tuple[float, float] = (0.0, 0.0)
    reorder_probability: float = 0.0
    reorder_seconds: float = 0.5
    echoes: bool = True
    echo_delay_seconds: float = 0.0
    echo_first: bool = False
    echo_mids: str = "same"
    echo_texts: str = "same"
    retry_first_seconds: float = 0.2
    retry_cap_seconds: float = 5.0
    timeout_seconds: float = 5.0

    def changed(self, body: JsonObject) -> "WebhookSettings":
        """Return these settings with those of a request.

        Raises:
            BadInputError: If a name or a value is wrong.

        """
        unknown = set(body) - {field.name for field in fields(self)}
        if unknown:
            message = f"unknown: {', '.join(sorted(unknown))}"
            raise BadInputError(message)
        new = replace(
            self,
            paused=get_flag(body, "paused", default=self.paused),
            echoes=get_flag(body, "echoes", default=self.echoes),
            echo_first=get_flag(body, "echo_first", default=self.echo_first),
            echo_mids=get_choice(body, "echo_mids", self.echo_mids, ECHO_MIDS),
            echo_texts=get_choice(body, "echo_texts", self.echo_texts, ECHO_TEXTS),
            batch_events=int(get_number(body, "batch_events", self.batch_events, least=1)),
            entry_events=int(get_number(body, "entry_events", self.entry_events, least=1)),
            delay_seconds=get_range(body, "delay_seconds", self.delay_seconds),
            **{
                name: get_number(body, name, getattr(self, name))
                for name in (
                    "batch_ms",
                    "duplicate_probability",
                    "reorder_probability",
                    "reorder_seconds",
                    "echo_delay_seconds",
                )
            },
            **{
                name: get_number(body, name, getattr(self, name), least=0.001)
                for name in (
                    "retry_first_seconds",
                    "retry_cap_seconds",
                    "timeout_seconds",
                )
            },
        )
        if max(new.duplicate_probability, new.reorder_probability) > 1:
            message = "a probability must be at most 1"
            raise BadInputError(message)
        if new.batch_events > MOST_EVENTS:
            message = f"batch_events must be at most {MOST_EVENTS}"
            raise BadInputError(message)
        return new

    def to_json(self) -> JsonObject:
        """Return the form of the control API."""
        body: JsonObject = asdict(self)
        body["delay_seconds"] = list(self.delay_seconds)
        return body
