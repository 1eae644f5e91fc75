"""Makes a minimal value for a JSON schema, with an answer in the field that is plainly text.

Knows what structured output of OpenAI allows: objects, arrays, `anyOf`, `enum`, `const`, `$ref`,
nullable types, and the limits on numbers, strings and arrays.
"""

from dataclasses import dataclass

from vestlus.simulator.jsontypes import Json, JsonObject

# A schema that contains itself is followed this deep.
DEEPEST = 12
TEXT_NAMES = ("text", "message", "answer", "reply", "content", "body")
LANGUAGE_NAMES = ("language", "lang", "locale")
NOTE_NAMES = ("note", "reason", "handover_note")
PICTURE_NAMES = ("picture", "picture_id", "image", "image_id")
SUMMARY_NAME = "summary"
HANDOVER_NAMES = ("handover", "hand_over", "handoff", "hand_off", "escalate")

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Filling:
    """What goes into the fields that are recognised."""

    text: str
    language: str
    handover: bool
    note: str = ""
    picture: str | None = None
    summary: str = ""


def make_instance(schema: JsonObject, filling: Filling) -> Json:
    """Return a minimal value that fits the schema, with the text in it if a field can hold it."""
    builder = _Builder(schema, filling)
    slots = builder.text_slots(schema, (), 0)
    best = min(slots, key=lambda slot: (slot[1], len(slot[0])), default=None)
    return builder.build(schema, best[0] if best else None, "", 0)


class _Builder:
    """Walks one schema; a path names the choices on the way to the text."""

    def __init__(self, root: JsonObject, filling: Filling) -> None:
        self._root = root
        self._filling = filling

    def text_slots(self, schema: Json, path: Path, depth: int) -> list[tuple[Path, int]]:
        """Return the ways to fields of free text, each with how unlike an answer it is."""
        node = self._resolve(schema)
        if depth > DEEPEST or "const" in node or "enum" in node:
            return []
        slots: list[tuple[Path, int]] = []
        variants = _variants(node)
        for index, variant in enumerate(variants):
            slots += self.text_slots(variant, (*path, index), depth + 1)
        if variants:
            return slots
        kind = _kind(node)
        if kind == "string" and not {"format", "pattern"} & node.keys():
            rank = _rank(path)
            return [(path, rank)] if rank is not None else []
        if kind == "object":
            for name, child in _properties(node).items():
                slots += self.text_slots(child, (*path, name), depth + 1)
        if kind == "array" and node.get("maxItems") != 0:
            slots += self.text_slots(node.get("items", {}), (*path, "[]"), depth + 1)
        return slots

    def build(self, schema: Json, path: Path | None, name: str, depth: int) -> Json:
        """Return a value; `path` is the rest of the way to the text, or None off that way."""
        node = self._resolve(schema)
        choices = [node["const"]] if "const" in node else node.get("enum")
        if isinstance(choices, list) and choices:
            return self._choose(choices, name)
        variants = _variants(node)
        if variants and path and isinstance(path[0], int):
            return self.build(variants[path[0]], path[1:], name, depth + 1)
        # A language is worth naming even where null would do, and so is a note.
        named = _is_named(name, LANGUAGE_NAMES) or (name in NOTE_NAMES and self._filling.note)
        if path is None and self._allows_null(node) and not named:
            return None
        if variants:
            return self.build(variants[0], None, name, depth + 1)
        return self._plain(node, path, name, depth)

    def _allows_null(self, node: JsonObject) -> bool:
        kinds = node.get("type")
        if isinstance(kinds, list):
            return "null" in kinds
        return any(_kind(self._resolve(variant)) == "null" for variant in _variants(node))

    def _plain(self, node: JsonObject, path: Path | None, name: str, depth: int) -> Json:
        value: Json = None
        match _kind(node):
            case "string":
                value = self._string(node, name, on_path=path is not None)
            case "boolean":
                value = self._filling.handover and _is_named(name, HANDOVER_NAMES)
            case "integer":
                value = int(_number(node, integer=True))
            case "number":
                value = _number(node, integer=False)
            case "array":
                value = self._array(node, path, depth)
            case "object":
                value = self._object(node, path, depth)
        return value

    def _object(self, node: JsonObject, path: Path | None, depth: int) -> JsonObject:
        required = node.get("required")
        wanted = required if isinstance(required, list) else []
        body: JsonObject = {}
        for name, child in _properties(node).items():
            on_path = bool(path) and path is not None and path[0] == name
            if on_path or (name in wanted and depth <= DEEPEST):
                rest = path[1:] if on_path and path is not None else None
                body[name] = self.build(child, rest, name, depth + 1)
        return body

    def _array(self, node: JsonObject, path: Path | None, depth: int) -> list[Json]:
        items = node.get("items", {})
        least = node.get("minItems", 0)
        count = least if isinstance(least, int) else 0
        rest = path[1:] if path and path[0] == "[]" else None
        first = [self.build(items, rest, "", depth + 1)] if rest is not None else []
        shown = self._picture_variant(items) if first and self._filling.picture else None
        most = node.get("maxItems")
        if shown is not None and not (isinstance(most, int) and most < len(first) + 1):
            first.append(self.build(shown, None, "", depth + 1))
        more = max(0, count - len(first)) if depth <= DEEPEST else 0
        return first + [self.build(items, None, "", depth + 1) for _ in range(more)]

    def _picture_variant(self, items: Json) -> JsonObject | None:
        """Return the kind of part that holds a picture beside those that hold text."""
        for variant in _variants(self._resolve(items)):
            node = self._resolve(variant)
            named = [child for name, child in _properties(node).items() if name in PICTURE_NAMES]
            choices = self._resolve(named[0]).get("enum") if named else None
            if named and (not isinstance(choices, list) or self._filling.picture in choices):
                return node
        return None

    def _string(self, node: JsonObject, name: str, *, on_path: bool) -> str:
        text = ""
        if on_path:
            text = self._filling.summary if name == SUMMARY_NAME else self._filling.text
        elif _is_named(name, LANGUAGE_NAMES):
            text = self._filling.language
        elif name in PICTURE_NAMES:
            text = self._filling.picture or ""
        elif name in NOTE_NAMES:
            text = self._filling.note
        least, most = node.get("minLength", 0), node.get("maxLength")
        if isinstance(least, int):
            text = text.ljust(least, "-")
        return text[:most] if isinstance(most, int) else text

    def _choose(self, choices: list[Json], name: str) -> Json:
        if _is_named(name, LANGUAGE_NAMES) and self._filling.language in choices:
            return self._filling.language
        if name in PICTURE_NAMES and self._filling.picture in choices:
            return self._filling.picture
        return choices[0]

    def _resolve(self, schema: Json) -> JsonObject:
        for _ in range(DEEPEST):
            if not isinstance(schema, dict):
                return {}
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            node: Json = self._root
            for part in reference.removeprefix("#").strip("/").split("/"):
                if part:
                    node = node.get(part) if isinstance(node, dict) else None
            schema = node
        return {}


def _variants(node: JsonObject) -> list[Json]:
    for key in ("anyOf", "oneOf", "allOf"):
        found = node.get(key)
        if isinstance(found, list) and found:
            return found
    return []


def _properties(node: JsonObject) -> JsonObject:
    found = node.get("properties")
    return found if isinstance(found, dict) else {}


def _kind(node: JsonObject) -> str | None:
    kind = node.get("type")
    if isinstance(kind, list):
        return next((str(each) for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in node else None


def _number(node: JsonObject, *, integer: bool) -> float:
    step = 1.0 if integer else 1e-6
    low, high = node.get("minimum"), node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    value = 0.0
    if isinstance(low, int | float):
        value = max(value, float(low))
    if isinstance(above, int | float) and value <= above:
        value = float(above) + step
    if isinstance(high, int | float):
        value = min(value, float(high))
    if isinstance(below, int | float) and value >= below:
        value = float(below) - step
    return value


def _is_named(name: str, names: tuple[str, ...]) -> bool:
    return any(part in name.casefold() for part in names)


def _rank(path: Path) -> int | None:
    """Return how unlike an answer a field of this name is; None if it never is one."""
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    if _is_named(name, LANGUAGE_NAMES) or name in PICTURE_NAMES:
        return None
    if name in TEXT_NAMES:
        return 0
    return 1 if name in {"", "[]", SUMMARY_NAME} else 2
