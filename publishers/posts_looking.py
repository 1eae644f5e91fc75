"""Whether a post is out, by what Instagram says of its container and lists. Pure.

The container's own status is what counts. The account's list of posts names the post, and stands
in the way where it does not agree: a post with the same caption since the attempt, that is none of
our others. Stories are in no list, and what has no caption cannot be told from others.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from publishers.posts_outcome import PostOutcomes
from publishers.posts_words import problem
from vestlus.instagram.port import Container, ContainerStatus, PublishedMedia
from vestlus.store.post_rows import PostKind, PostRow, PostStep
from vestlus.store.posts import PostState


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read. ``media`` is ``None`` where the list could not be read, or tells nothing."""

    container: Container
    media: tuple[PublishedMedia, ...] | None
    #: This account's token may not read the list: there is nothing to wait for.
    refused: bool = False
    #: Ids that are other posts' already.
    claimed: frozenset[str] = frozenset()


def is_listed(post: PostRow) -> bool:
    """Whether the list of posts can tell this one from others."""
    return post.kind is not PostKind.STORY and bool(same_words(post.caption))


def conclude(post: PostRow, seen: Evidence, now_ms: int, outcomes: PostOutcomes) -> PostStep:
    """The step that the evidence allows: nothing is concluded without its proof."""
    rules = outcomes.rules
    status = seen.container.status
    found = _found(post, seen, round(rules.clock_tolerance_seconds * 1000))
    if status is ContainerStatus.PUBLISHED:
        return _published(post, found, now_ms, outcomes)
    settled_ms = settled_at_ms(post, outcomes)
    later_ms = now_ms + round(rules.look_seconds * 1000)
    if status is ContainerStatus.IN_PROGRESS or now_ms < settled_ms:
        return look_again(post, now_ms, min(later_ms, max(settled_ms, now_ms + 1)), outcomes)
    if found is not None:
        # The list says yes, and the container no. One that lags, or another of our posts with
        # the same words that is in doubt, settles it soon; else nobody can.
        patient_ms = settled_ms + round(rules.settling_seconds * 1000)
        if now_ms < patient_ms:
            return look_again(post, now_ms, min(later_ms, patient_ms), outcomes)
        return unknown(post, "cannot_be_known", now_ms)
    if is_listed(post) and seen.media is None and not seen.refused:
        return look_again(post, now_ms, later_ms, outcomes)
    return _absent(post, seen, now_ms, outcomes)


def _published(post: PostRow, found: str | None, now_ms: int, outcomes: PostOutcomes) -> PostStep:
    """It is out. Which of the account's posts it is may show a moment later."""
    settled_ms = settled_at_ms(post, outcomes)
    if found is None and is_listed(post) and now_ms < settled_ms:
        soon_ms = now_ms + round(outcomes.rules.look_for_id_seconds * 1000)
        return look_again(post, now_ms, min(soon_ms, settled_ms), outcomes)
    return PostStep(of=post, after=PostState.PUBLISHED, at_ms=now_ms, media_id=found)


def _absent(post: PostRow, seen: Evidence, now_ms: int, outcomes: PostOutcomes) -> PostStep:
    """No word of it anywhere, and the attempt is long enough ago."""
    expired = seen.container.status is not ContainerStatus.FINISHED
    # EXPIRED and ERROR should mean that it was never published. Where no list confirms that, it
    # is not certain enough for doing it again with another container.
    if expired and not _confirms_absence(post, seen, outcomes):
        return unknown(post, "cannot_be_known", now_ms)
    if now_ms > post.deadline_ms:
        return outcomes.dead(post, "too_late", now_ms)
    if post.resends >= outcomes.rules.resends:
        return unknown(post, "ambiguous_twice", now_ms)
    if expired:
        return outcomes.new_round(post, "container_expired", now_ms, resend=True)
    return PostStep(of=post, after=PostState.READY, at_ms=now_ms, due_ms=now_ms, resend=True)


def settled_at_ms(post: PostRow, outcomes: PostOutcomes) -> int:
    """From when on the container's word counts as final."""
    return max(post.looking_ms, post.attempted_ms) + round(outcomes.rules.settling_seconds * 1000)


def look_again(post: PostRow, now_ms: int, due_ms: int, outcomes: PostOutcomes) -> PostStep:
    """Nothing is known yet: later again, or never."""
    if now_ms - post.looking_ms >= round(outcomes.rules.look_give_up_seconds * 1000):
        return unknown(post, "not_readable", now_ms)
    return PostStep(
        of=post, after=PostState.LOOKING, at_ms=now_ms, due_ms=due_ms, reason=post.reason
    )


def unknown(post: PostRow, reason: str, now_ms: int) -> PostStep:
    """Nothing can tell: a person looks."""
    said = problem(reason, post)
    return PostStep(of=post, after=PostState.UNKNOWN, at_ms=now_ms, reason=reason, problem=said)


def _found(post: PostRow, seen: Evidence, tolerance_ms: int) -> str | None:
    """The oldest post since the attempt that has its words and is nobody else's."""
    if not is_listed(post):
        return None
    since_ms = post.attempted_ms - tolerance_ms
    words = same_words(post.caption)
    ours = [
        one
        for one in seen.media or ()
        if one.created_ms >= since_ms // 1000 * 1000
        and same_words(one.caption) == words
        and one.id not in seen.claimed
    ]
    return min(ours, key=lambda one: one.created_ms).id if ours else None


def _confirms_absence(post: PostRow, seen: Evidence, outcomes: PostOutcomes) -> bool:
    """Whether the list would hold it: it is not full, or goes back to before the attempt."""
    media = seen.media
    if media is None or not is_listed(post):
        return False
    tolerance_ms = round(outcomes.rules.clock_tolerance_seconds * 1000)
    oldest = min((one.created_ms for one in media), default=0)
    return len(media) < _FULL or oldest < post.attempted_ms - tolerance_ms


#: A list shorter than the least that Meta gives on one page is all there is.
_FULL = 25


def same_words(caption: str) -> str:
    """A caption without what a platform may change in it: white space and composition."""
    return " ".join(unicodedata.normalize("NFC", caption).split())
