"""Makes answers of what the assistant says, and of what calls for none of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vestlus.conversation.deciding import Step, may_apologise, next_step
from vestlus.conversation.disclosure import disclosure_due
from vestlus.conversation.handing_over import handover_note
from vestlus.conversation.phrases import Phrase
from vestlus.conversation.reply import Concern, Part, Reply, TextPart
from vestlus.conversation.turn import FailurePolicy
from vestlus.conversation.words import Command
from vestlus.hosting.composing import Answer, Burst, Erase, PutOff, with_prefix, with_suffix
from vestlus.hosting.effects import people_policy
from vestlus.hosting.mailbox import Mailbox
from vestlus.hosting.standing import erase_asked, persons_ms, standing, waits_until_ms
from vestlus.hosting.voice import Voice
from vestlus.settings_account import Account
from vestlus.store.rows import After, Silence, stopped_until_ms

#: An apology is not repeated within this time, unless an answer came in between.
APOLOGY_AGAIN_MS = 24 * 60 * 60 * 1000

#: Why people are wanted, in the note for them.
WANTS_DATA = "wants_a_copy_of_their_data"
WANTS_ERASURE = "wants_to_be_erased"

#: The longest note for a person who takes over, in characters.
_LONGEST_NOTE = 600


class Answers:
    """The policies of accounts, applied to bursts. Decides; commits nothing."""

    def __init__(
        self,
        account_of: Callable[[str], Account | None],
        spent_until: Callable[[str], int] = lambda _: 0,
    ) -> None:
        """``spent_until``: until when an account may not have models asked, 0 if it may."""
        self._account_of = account_of
        self._spent_until = spent_until

    def without_asking(
        self, box: Mailbox, burst: Burst, now_ms: int
    ) -> Answer | Erase | int | None:
        """The answer to messages that no model is asked about; that everything is to be erased; a
        time before which nothing is done with them, milliseconds since 1970; or ``None``: the
        assistant is to be asked.
        """
        voice = self._voice(box)
        commands = [voice.command(event.text) for event in burst.events]
        step = next_step(commands, standing(box, burst, now_ms))
        language = self._language(box, burst, voice)
        answer: Answer | Erase | int | None = None
        match step:
            case Step.ASK:
                answer = self._limited(box, burst, language, now_ms)
            case Step.WAIT:
                answer = waits_until_ms(box)
                if Command.EMERGENCY in commands and not box.known.waiting_ms:
                    # A person sees to this user, perhaps without looking just now.
                    alarm = self._noted(box, burst, After(), now_ms, reason="emergency")
                    answer = Answer(after=alarm, leaves_unanswered=True)
            case Step.IGNORE:
                wanted = Command.PERSON in commands
                after = self._noted(box, burst, After(), now_ms, reason="asked_for_a_person")
                answer = Answer(after=after) if wanted else Answer()
            case Step.CONFIRM_STOP | Step.CONFIRM_START | Step.ASK_DELETE | Step.DELETE:
                asked = erase_asked(box, now_ms)
                theirs_ms = persons_ms(box, now_ms)
                answer = _own_wish(step, voice, language, now_ms, asked=asked, theirs_ms=theirs_ms)
            case Step.EMERGENCY:
                answer = self._in_danger(box, burst, language, now_ms)
            case Step.HAND_OVER | Step.HAND_OVER_EXPORT:
                text = voice.handover(language, now_ms)
                reason = WANTS_DATA if step is Step.HAND_OVER_EXPORT else "asked_for_a_person"
                answer = self._to_people(box, burst, text, now_ms, reason=reason)
        return answer

    def erased_by_people(
        self, box: Mailbox, burst: Burst, now_ms: int, put_off: PutOff | None = None
    ) -> Answer:
        """What is said where this service cannot erase by itself: a person will see to it.
        ``put_off`` says under which code that is recorded, where it is.
        """
        voice = self._voice(box)
        language = self._language(box, burst, voice)
        if put_off is None:
            text = voice.handover(language, now_ms)
            return self._to_people(box, burst, text, now_ms, reason=WANTS_ERASURE)
        text = f"{voice.fixed(Phrase.DELETE_LATER, language)}\n{put_off.where}"
        reason = f"{WANTS_ERASURE} ({put_off.code})"
        return self._to_people(box, burst, text, now_ms, reason=reason)

    def stands_alone(self, box: Mailbox, text: str | None, now_ms: int) -> bool:
        """Whether a message is answered with what came before it, and not with what comes after:
        a wish of the user's, or danger. None of them may be lost in another one's answer.
        """
        return self._is_wanted(box, text) or self.starts_for_a_person(box, text, now_ms)

    def starts_for_a_person(self, box: Mailbox, text: str | None, now_ms: int) -> bool:
        """Whether a message is a start after which a person has the conversation: what stands
        beside it, before or behind, is that person's to answer.
        """
        return self._starts(box, text) and bool(persons_ms(box, now_ms))

    def goes_ahead(self, box: Mailbox, text: str | None) -> bool:
        """Whether a message may be heeded before others that wait for people, or for the end of
        a pause: a wish of the user's, or danger.
        """
        return self._is_wanted(box, text) or self._starts(box, text)

    def _is_wanted(self, box: Mailbox, text: str | None) -> bool:
        command = self._voice(box).command(text)
        confirmed = command is Command.YES and bool(box.known.erase_asked_ms)
        return confirmed or command in (Command.STOP, Command.DELETE, Command.EMERGENCY)

    def _starts(self, box: Mailbox, text: str | None) -> bool:
        started = self._voice(box).command(text) is Command.START
        return started and box.known.silence is Silence.STOPPED

    def is_urgent(self, account: str, text: str | None) -> bool:
        """Whether a message needs no model, and so waits for none."""
        return Voice(self._account_of(account)).command(text) not in (None, Command.YES)

    def answer(self, box: Mailbox, burst: Burst, reply: Reply, now_ms: int) -> Answer:
        """What is said for a reply of the assistant's."""
        voice = self._voice(box)
        language = reply.language or self._language(box, burst, voice)
        match reply.concern:
            case Concern.EMERGENCY:
                return self._in_danger(box, burst, language, now_ms)
            case Concern.UNSAFE_MESSAGES:
                ended = Silence.NONE if _starts(burst, voice) else None
                after = After(answered_ms=now_ms, silence=ended)
                return _said(voice.fixed(Phrase.UNSAFE, language), after)
            case Concern.UNSAFE_ANSWER | Concern.NOT_MODERATED:
                text = voice.handover(language, now_ms)
                return self._to_people(box, burst, text, now_ms, reason=str(reply.concern))
            case None:
                return self._plain(box, burst, reply, language, now_ms)

    def apology(self, box: Mailbox, burst: Burst, reason: str, now_ms: int) -> Answer:
        """What is said when no answer can be given: once, and people are told."""
        voice = self._voice(box)
        known = box.known
        may = may_apologise(
            apology_ms=known.apology_ms,
            answered_ms=known.answered_ms,
            now_ms=now_ms,
            again_ms=APOLOGY_AGAIN_MS,
        )
        text = voice.apology(self._language(box, burst, voice)) if may else ""
        answer = self._to_people(box, burst, text, now_ms, reason=reason)
        if not may:
            return answer
        return replace(answer, after=replace(answer.after, apology_ms=now_ms))

    def failure_policy(self, account: str, default: FailurePolicy) -> FailurePolicy:
        """How long the account waits for a model that does not answer."""
        found = self._account_of(account)
        if found is None:
            return default
        return replace(default, patience_ms=round(found.apology_after_seconds * 1000))

    def _plain(
        self, box: Mailbox, burst: Burst, reply: Reply, language: str, now_ms: int
    ) -> Answer:
        known, voice = box.known, self._voice(box)
        parts: tuple[Part, ...] = reply.parts
        after = After(language=language, answered_ms=now_ms)
        if known.silence is not Silence.NONE:
            after = replace(after, silence=Silence.NONE)
        if reply.handover:
            parts = with_suffix(parts, voice.when_people_are_back(language, now_ms))
            after = self._waiting(box, burst, after, now_ms, note=reply.note, reason="")
        text = voice.disclosure(language)
        due = disclosure_due(
            disclosed_ms=known.disclosed_ms, answered_ms=known.answered_ms, now_ms=now_ms
        )
        if text and due:
            parts = with_prefix(parts, text)
            after = replace(after, disclosed_ms=now_ms)
        approve = voice.account is not None and voice.account.approve
        return Answer(parts=parts, after=after, draft=approve)

    def _limited(
        self, box: Mailbox, burst: Burst, language: str, now_ms: int
    ) -> Answer | int | None:
        """What is said, once, and then not, to who has used up what the account allows them; or
        what is done where the account has used up what it may spend.

        Wishes, danger and the word for a person have been seen to before. Messages of which a try
        has failed get their answer, or the apology and a person, but not this.
        """
        dear = self._too_dear(box, burst, language, now_ms)
        if dear is not None:
            return dear
        if box.failures or box.outages:
            return None
        voice, usage = self._voice(box), box.known.usage
        until = usage.spent_until(voice.allowance, now_ms)
        if not until:
            return None
        ended = Silence.NONE if _starts(burst, voice) else None
        if usage.was_told(now_ms):
            return Answer(after=After(silence=ended), limited=True)
        after = After(silence=ended, usage=replace(usage, told_until_ms=until))
        return replace(_said(voice.limited(language), after), limited=True)

    def _too_dear(
        self, box: Mailbox, burst: Burst, language: str, now_ms: int
    ) -> Answer | int | None:
        """A person answers while the account's daily budget for models is used up.

        The user is told so once. Who waits for a person already is not told again: what they
        write waits for that person, or for the next day.
        """
        until_ms = self._spent_until(box.account)
        if until_ms <= now_ms:
            return None
        if box.known.waiting_ms and not _starts(burst, self._voice(box)):
            return until_ms
        text = self._voice(box).handover(language, now_ms)
        return self._to_people(box, burst, text, now_ms, reason="daily_budget_spent")

    def _in_danger(self, box: Mailbox, burst: Burst, language: str, now_ms: int) -> Answer:
        text = self._voice(box).emergency(language)
        answer = self._to_people(box, burst, text, now_ms, reason="emergency")
        return replace(answer, emergency=True)

    def _to_people(
        self, box: Mailbox, burst: Burst, text: str, now_ms: int, *, reason: str
    ) -> Answer:
        after = self._waiting(box, burst, After(), now_ms, note="", reason=reason)
        return _said(text, after)

    def _waiting(
        self, box: Mailbox, burst: Burst, after: After, now_ms: int, *, note: str, reason: str
    ) -> After:
        # A stop outlasts everything but the user's own start.
        if box.known.silence is not Silence.STOPPED or _starts(burst, self._voice(box)):
            pause_ms = people_policy(self._account_of(box.account)).pause_ms
            after = replace(after, silence=Silence.HANDOVER, silent_until_ms=now_ms + pause_ms)
        return self._noted(box, burst, after, now_ms, note=note, reason=reason)

    def _noted(
        self, box: Mailbox, burst: Burst, after: After, now_ms: int, *, reason: str, note: str = ""
    ) -> After:
        words = [event.text for event in burst.events if event.text]
        return replace(
            after,
            waiting_ms=box.known.waiting_ms or now_ms,
            note=(note or handover_note(words, reason))[:_LONGEST_NOTE],
        )

    def _voice(self, box: Mailbox) -> Voice:
        return Voice(self._account_of(box.account))

    def _language(self, box: Mailbox, burst: Burst, voice: Voice) -> str:
        return voice.language(box.known.language, [event.text or "" for event in burst.events])


def _own_wish(
    step: Step, voice: Voice, language: str, now_ms: int, *, asked: bool, theirs_ms: int
) -> Answer | Erase:
    """What comes of a wish that is the user's right, whatever else goes on.

    ``asked``: whether everything is to be erased has just been asked. ``theirs_ms``: until when
    a person has the conversation, which no wish ends; 0 for not.
    """
    question = voice.fixed(Phrase.DELETE_ASK, language)
    match step:
        case Step.CONFIRM_STOP:
            until_ms = stopped_until_ms(theirs_ms)
            stopped = After(silence=Silence.STOPPED, silent_until_ms=until_ms, cancel_sends=True)
            text = voice.fixed(Phrase.STOPPED, language)
            if asked:
                # It cancels the question, perhaps unseen: that is asked again.
                stopped = replace(stopped, erase_asked_ms=now_ms)
                text = f"{text}\n\n{question}"
            return _said(text, stopped)
        case Step.CONFIRM_START:
            if theirs_ms:
                waits = After(silence=Silence.PERSON, silent_until_ms=theirs_ms)
                return _said(voice.fixed(Phrase.HANDOVER, language), waits)
            return _said(voice.fixed(Phrase.STARTED, language), After(silence=Silence.NONE))
        case Step.ASK_DELETE:
            return _said(question, After(erase_asked_ms=now_ms))
        case _:
            return Erase(voice.fixed(Phrase.DELETED, language))


def _starts(burst: Burst, voice: Voice) -> bool:
    return any(voice.command(event.text) is Command.START for event in burst.events)


def _said(text: str, after: After) -> Answer:
    return Answer(parts=(TextPart(text),) if text else (), after=after)
