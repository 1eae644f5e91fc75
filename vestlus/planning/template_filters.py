"""What templates can do with values, each bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

from vestlus.planning.template_values import (
    MOST_CHARACTERS,
    AsIs,
    TooMuch,
    bounded,
    number,
    plain,
    text_of,
)

_MOST_DECIMALS: Final = 6
_LONGEST_FORMAT: Final = 100

#: Names that no template can write: of the budget, and of the filters that are put into its tree.
BUDGET: Final = " budget"
EACH: Final = " each"
JOINED: Final = " joined"
OWN: Final = " own"
SEEN: Final = " seen"


def _each(value: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    if isinstance(value, Undefined):
        str(value)  # raises, and names it
    if not isinstance(value, list | tuple | Mapping):
        raise TooMuch("there is a loop over something that is no list")
    return iter(value)


def _join(values: Any, between: str = "") -> str:  # noqa: ANN401 - as above
    texts = [text_of(one) for one in _each(values)]
    filled = [between, *texts]
    if sum(map(len, texts)) + len(text_of(between)) * len(texts) > MOST_CHARACTERS:
        raise TooMuch(f"a text is longer than {MOST_CHARACTERS} characters")
    return filled[0].join(texts)


def _replace(value: Any, old: str, new: str) -> str:  # noqa: ANN401 - as above
    text, old, new = text_of(value), text_of(old), text_of(new)
    if not old:
        return text
    if len(text) + text.count(old) * max(0, len(new) - len(old)) > MOST_CHARACTERS:
        raise TooMuch(f"a text is longer than {MOST_CHARACTERS} characters")
    return text.replace(old, new)


def _truncate(value: Any, length: int = 255, end: str = "…") -> str:  # noqa: ANN401 - as above
    text = text_of(value)
    if len(text) <= number(length):
        return text
    cut = text[: max(0, int(length) - len(end))]
    return (cut.rpartition(" ")[0] or cut) + end


def _default(value: Any, instead: Any = "", boolean: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - Jinja2's
    return instead if isinstance(value, Undefined) or (boolean and not value) else value


def _round(value: Any, decimals: int = 0) -> int | float:  # noqa: ANN401 - as above
    places = min(max(int(number(decimals)), 0), _MOST_DECIMALS)
    rounded = round(float(number(value)), places)
    return rounded if places else int(rounded)


def _date(value: Any, form: str = "%d.%m.%Y") -> str:  # noqa: ANN401 - as above
    """A time, or a text such as 2026-12-31T18:00, in a form of strftime's."""
    when = value if isinstance(value, datetime) else datetime.fromisoformat(text_of(value))
    return when.strftime(text_of(form)[:_LONGEST_FORMAT])


def _length(value: Any) -> int:  # noqa: ANN401 - as above
    return len(value)


def _at(place: int) -> Callable[[Any], Any]:
    def found(value: Any) -> Any:  # noqa: ANN401 - as above
        values = list(_each(value))
        return values[place]

    return found


def _counted(work: Callable[..., Any]) -> Callable[..., Any]:
    """The same as a filter that is a step."""

    @pass_context
    def filtered(context: Context, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - a filter's
        context[BUDGET].step()
        return work(*arguments, **named)

    return filtered


def _as_is(value: Any) -> AsIs:  # noqa: ANN401 - as above
    return AsIs(plain(text_of(value)))


def _own(value: str) -> AsIs:
    return AsIs(plain(value))


@pass_context
def _steps(context: Context, value: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    for one in _each(value):
        context[BUDGET].step()
        yield one


def _absolute(value: Any) -> int | float:  # noqa: ANN401 - as above
    return abs(number(value))


def _same(value: Any) -> Any:  # noqa: ANN401 - as above
    return value


def _joined(values: Sequence[Any]) -> str:
    return bounded(*map(text_of, values))


_COUNTED: Final[Mapping[str, Callable[..., Any]]] = {
    JOINED: _joined,
    OWN: _own,
    SEEN: _same,
    "abs": _absolute,
    "as_is": _as_is,
    "capitalize": lambda value: text_of(value).capitalize(),
    "count": _length,
    "d": _default,
    "date": _date,
    "default": _default,
    "first": _at(0),
    "float": lambda value: float(number(value)),
    "int": lambda value: int(number(value)),
    "items": lambda value: list(value.items()),
    "join": _join,
    "last": _at(-1),
    "length": _length,
    "lower": lambda value: text_of(value).lower(),
    "replace": _replace,
    "round": _round,
    "sort": lambda value: sorted(_each(value)),
    "title": lambda value: text_of(value).title(),
    "trim": lambda value: text_of(value).strip(),
    "truncate": _truncate,
    "upper": lambda value: text_of(value).upper(),
}

#: All of them, by name.
FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    EACH: _steps,
    **{name: _counted(work) for name, work in _COUNTED.items()},
}
