"""When the model first gave each marker: no request to send it was made before that."""

from vestlus.simulator.markers import find_markers

# Markers remembered; who sends after so many others has waited for very long.
MOST = 20_000


class AnswerTimes:
    """Tells how old an answer is at least, by the markers in it."""

    def __init__(self) -> None:
        self._first: dict[str, float] = {}

    def note(self, text: str, now: float) -> None:
        """The model gave this text. Only the first time counts: a marker comes again in others."""
        for marker in find_markers(text):
            self._first.setdefault(marker, now)
        while len(self._first) > MOST:
            del self._first[next(iter(self._first))]

    def of(self, text: str | None) -> float | None:
        """Return when the newest of a text's markers was given, or None if that is not known."""
        times = [self._first[one] for one in find_markers(text) if one in self._first]
        return max(times, default=None)
