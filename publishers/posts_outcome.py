"""What the outcome of a request for a post means for the post. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from publishers.posts_rules import PostRules
from publishers.posts_words import PostLink, problem
from vestlus.errors import GraphError, NotSent, Refused, Throttled
from vestlus.instagram.graph_errors import remedy_of, rule_of, rule_of_subcode
from vestlus.instagram.graph_table import Remedy
from vestlus.store.post_rows import WHOLE, PostRow, PostStep
from vestlus.store.posts import PostState

#: Instagram could not fetch a picture; our own server is mostly why.
_UNREACHABLE: Final = "media_unreachable"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step, and for how long the account's posts pause beside it, seconds."""

    step: PostStep
    pause: float = 0.0
    #: A person should be told: the account cannot go on.
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class PostOutcomes:
    """Turns outcomes into steps, by the rules."""

    rules: PostRules

    def created(self, post: PostRow, container: str, now_ms: int) -> PostStep:
        """A container was made: on to the next one, or to asking how far it is."""
        position = post.containers[-1].position
        if position != WHOLE and position < len(post.pictures):
            return PostStep(
                of=post, after=PostState.PLANNED, at_ms=now_ms, due_ms=now_ms, made=container
            )
        due_ms = now_ms + _ms(self.rules.first_status_seconds)
        return PostStep(
            of=post, after=PostState.WAITING, at_ms=now_ms, due_ms=due_ms, made=container
        )

    def not_created(
        self, post: PostRow, error: GraphError, links: Sequence[PostLink], now_ms: int
    ) -> Outcome:
        """No container, as far as is known: one that nobody knows of does no harm."""
        if remedy_of(error) is Remedy.LOOK_FIRST:
            return Outcome(self._again(post, PostState.PLANNED, error, links, now_ms))
        return self._failed(post, PostState.PLANNED, error, links, now_ms)

    def not_published(self, post: PostRow, error: GraphError, now_ms: int) -> Outcome:
        """The request to publish was not answered with a post."""
        in_doubt = remedy_of(error) is Remedy.LOOK_FIRST
        # After an attempt whose failure was only concluded, a refusal may say that the container
        # has been published.
        if in_doubt or (post.resends and isinstance(error, Refused) and not stops_posts(error)):
            due_ms = now_ms + _ms(self.rules.first_look_seconds)
            return Outcome(
                PostStep(
                    of=post,
                    after=PostState.LOOKING,
                    at_ms=now_ms,
                    due_ms=due_ms,
                    reason=error.reason,
                )
            )
        return self._failed(post, PostState.READY, error, (), now_ms)

    def not_read(self, post: PostRow, error: GraphError, now_ms: int) -> Outcome:
        """Instagram could not say how far a container is. Some refusals of that pass by themselves
        (gitroomhq/postiz-app#1562: 100/33), so that none is taken for the container's end at once.
        """
        if stops_posts(error) or isinstance(error, Throttled):
            return self._failed(post, PostState.WAITING, error, (), now_ms)
        if isinstance(error, Refused) and post.failures + 1 >= self.rules.tries:
            return Outcome(self.new_round(post, "container_failed", now_ms))
        return Outcome(self._later(post, PostState.WAITING, error, (), now_ms))

    def broken(
        self, post: PostRow, subcode: int, links: Sequence[PostLink], now_ms: int
    ) -> PostStep:
        """A container ended in an error, before anybody published it."""
        rule = rule_of_subcode(subcode)
        if rule is not None and rule.remedy is Remedy.FIX_INPUT:
            return self.dead(post, rule.reason, now_ms, links, Refused(rule.reason, subcode))
        return self.new_round(post, "container_failed", now_ms)

    def new_round(
        self, post: PostRow, reason: str, now_ms: int, *, resend: bool = False
    ) -> PostStep:
        """Its containers are not to be used any more, and it is not out: new ones, or the end."""
        if post.round >= self.rules.rounds:
            return self.dead(post, "container_failed", now_ms)
        first = post.round == 1
        return PostStep(
            of=post,
            after=PostState.PLANNED,
            at_ms=now_ms,
            due_ms=now_ms + (0 if first else _ms(self._wait(post.round - 1))),
            reason=reason,
            new_round=True,
            resend=resend,
        )

    def dead(
        self,
        post: PostRow,
        reason: str,
        now_ms: int,
        links: Sequence[PostLink] = (),
        error: GraphError | None = None,
    ) -> PostStep:
        """It is not out and will not be."""
        said = problem(reason, post, links, error)
        if reason == "too_late" and post.problem:
            said = f"{said}. The last that was wrong: {post.problem}"
        return PostStep(of=post, after=PostState.DEAD, at_ms=now_ms, reason=reason, problem=said)

    def put_off(self, post: PostRow, reason: str, seconds: float, now_ms: int) -> PostStep:
        """There is no room for it now."""
        return PostStep(
            of=post,
            after=post.state,
            at_ms=now_ms,
            due_ms=now_ms + _ms(seconds),
            failures=post.failures,
            reason=reason,
            problem=problem(reason, post),
        )

    def _failed(
        self,
        post: PostRow,
        back: PostState,
        error: GraphError,
        links: Sequence[PostLink],
        now_ms: int,
    ) -> Outcome:
        """What each remedy means; the post is certainly not out."""
        match remedy_of(error):
            case Remedy.RETRY_AFTER | Remedy.REAUTHENTICATE | Remedy.STOP_ACCOUNT:
                wait = self.pause(error)
                step = self._put_off(post, back, error, wait, now_ms)
                return Outcome(step, wait, stops_posts(error))
            case Remedy.NEW_CONTAINER:
                step = self.new_round(post, error.reason, now_ms)
            case Remedy.FIX_INPUT if self._may_fetch_again(post, error):
                step = self._later(post, back, error, links, now_ms)
            case Remedy.FIX_INPUT | Remedy.DROP:
                step = self.dead(post, error.reason, now_ms, links, error)
            case _:
                step = self._again(post, back, error, links, now_ms)
        return Outcome(step)

    def pause(self, error: GraphError) -> float:
        """For how long the account's posts wait after an error, seconds; mostly 0."""
        if not (stops_posts(error) or isinstance(error, Throttled)):
            return 0.0
        if isinstance(error, Throttled):
            return error.retry_after
        if remedy_of(error) is Remedy.REAUTHENTICATE:
            return self.rules.token_probe_seconds
        return self.rules.stop_probe_seconds

    def _may_fetch_again(self, post: PostRow, error: GraphError) -> bool:
        return error.reason == _UNREACHABLE and post.failures + 1 < self.rules.fetch_tries

    def _again(
        self,
        post: PostRow,
        back: PostState,
        error: GraphError,
        links: Sequence[PostLink],
        now_ms: int,
    ) -> PostStep:
        """Not done, and the same may be tried again: so often, and what then."""
        rule = rule_of(error.code, error.subcode)
        most = self.rules.tries
        if rule is not None and rule.tries is not None:
            most = rule.tries
        # What reached nobody is not the post's fault: only its deadline ends it.
        if isinstance(error, NotSent) and not error.code:
            return self._put_off(post, back, error, self.rules.unreachable_seconds, now_ms)
        if rule is not None and rule.remedy is Remedy.WAIT and rule.tries is None:
            return self._put_off(post, back, error, rule.wait_seconds, now_ms)
        if post.failures + 1 < most:
            return self._later(post, back, error, links, now_ms)
        if rule is not None and rule.then is Remedy.NEW_CONTAINER:
            return self.new_round(post, error.reason, now_ms)
        reason = error.reason if rule is not None and rule.then else "container_not_made"
        return self.dead(post, reason, now_ms, links, error)

    def _put_off(
        self, post: PostRow, back: PostState, error: GraphError, seconds: float, now_ms: int
    ) -> PostStep:
        """Not its fault: the same later."""
        return PostStep(
            of=post,
            after=back,
            at_ms=now_ms,
            due_ms=now_ms + _ms(seconds),
            failures=post.failures,
            reason=error.reason,
            problem=problem(error.reason, post, (), error),
        )

    def _later(
        self,
        post: PostRow,
        back: PostState,
        error: GraphError,
        links: Sequence[PostLink],
        now_ms: int,
    ) -> PostStep:
        return PostStep(
            of=post,
            after=back,
            at_ms=now_ms,
            due_ms=now_ms + _ms(self._wait(post.failures)),
            failures=post.failures + 1,
            reason=error.reason,
            problem=problem(error.reason, post, links, error),
        )

    def _wait(self, failures: int) -> float:
        longest = self.rules.longest_retry_seconds
        return min(longest, self.rules.retry_seconds * 2.0 ** min(failures, 16))


def stops_posts(error: GraphError) -> bool:
    """Whether the account's posts cannot go on until somebody mends something."""
    return remedy_of(error) in {Remedy.STOP_ACCOUNT, Remedy.REAUTHENTICATE}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
