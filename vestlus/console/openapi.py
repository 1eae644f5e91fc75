"""The API described as OpenAPI 3.1, from the declarations of its operations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from vestlus.console.operations import API, INVALID, Fault, Operation, Shape

_SCHEMAS: Final = "#/components/schemas/{model}"

#: Model → what refers to its schema.
Refs = Mapping[Any, dict[str, str]]


class Refused(Shape):
    """What is said instead of the answer: a stable word, and a line for each thing to mend."""

    error: str
    problems: list[str]


UNAUTHORIZED: Final = Fault(HTTPStatus.UNAUTHORIZED, "unauthorized", "no token, or a wrong one")
TOO_MANY: Final = Fault(
    HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_wrong",
    "too many wrong tokens came from there; try again after Retry-After",
)
NO_API: Final = Fault(HTTPStatus.NOT_FOUND, "not_here", "VESTLUS_OPERATOR_TOKEN is not set")
AWAY: Final = Fault(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "store_away, bus_away, storage_away, busy",
    "not now; try again after Retry-After. What was not confirmed may be done all the same: look "
    "how it stands, or repeat an act upon a conversation with its Idempotency-Key",
)
FORBIDDEN: Final = Fault(HTTPStatus.FORBIDDEN, "forbidden", "needs a higher role")
_NOT_JSON: Final = Fault(HTTPStatus.BAD_REQUEST, "not_json", "the body is not a JSON object")
_BODY: Final = (
    Fault(HTTPStatus.REQUEST_TIMEOUT, "body_timeout", "the body took longer than 10 s"),
    Fault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "the body has too many bytes"),
)


def faults_of(one: Operation) -> tuple[Fault, ...]:
    """All refusals of an operation, those that every one has included."""
    json = (_NOT_JSON,) if one.body is not None else ()
    body = _BODY if one.body is not None or one.media_type else ()
    invalid = (INVALID,) if one.query is not None or one.body is not None else ()
    common = (UNAUTHORIZED, FORBIDDEN, TOO_MANY, NO_API, *json, *body)
    # An operation that says more of a refusal than all of them do is the one to be heard.
    own = {(fault.status, fault.error) for fault in one.faults}
    all_ = (*common, *invalid, AWAY)
    return (*(each for each in all_ if (each.status, each.error) not in own), *one.faults)


def description(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The whole document."""
    models = _models(operations)
    named, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template=_SCHEMAS
    )
    refs = {model: dict(ref) for (model, _), ref in named.items()}
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(f"{API}{one.path}", {})[one.method.lower()] = _operation(one, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vestlus",
            "version": version,
            "description": "What operators' programs can do: the same as the console.",
        },
        "security": [{"operator": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                "operator": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "VESTLUS_OPERATOR_TOKEN",
                }
            },
        },
    }


def _models(operations: Sequence[Operation]) -> list[type[BaseModel]]:
    found: dict[type[BaseModel], None] = {Refused: None}
    for one in operations:
        for model in (one.body, one.answer):
            if model is not None and issubclass(model, BaseModel):
                found[model] = None
    return list(found)


def _operation(one: Operation, refs: Refs) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.id,
        "summary": one.summary,
        "tags": [one.tag or one.path.split("/")[1]],
        "parameters": [*_path_parameters(one), *_query_parameters(one)],
        "responses": _responses(one, refs),
        "x-role": one.role.word,
    }
    if one.media_type:
        schema = {"type": "string", "format": "binary"}
        told["requestBody"] = {"required": True, "content": {one.media_type: {"schema": schema}}}
    elif one.body is not None:
        content = {"application/json": {"schema": refs[one.body]}}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _path_parameters(one: Operation) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", one.path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": one.params.get(name, ""),
            # A slash would be another path.
            "schema": {"type": "string", "minLength": 1, "pattern": "^[^/]+$"},
        }


def _query_parameters(one: Operation) -> Iterable[dict[str, Any]]:
    if one.query is None:
        return
    schema = one.query.model_json_schema(ref_template=_SCHEMAS)
    for name, value in schema.get("properties", {}).items():
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": value.get("description", ""),
            "schema": _inlined(value, schema.get("$defs", {})),
        }


def _inlined(value: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """A schema without references: those of a query are few and small."""
    if isinstance(value, dict):
        if "$ref" in value:
            return _inlined(definitions[value["$ref"].rpartition("/")[2]], definitions)
        return {key: _inlined(one, definitions) for key, one in value.items()}
    if isinstance(value, list):
        return [_inlined(one, definitions) for one in value]
    return value


def _responses(one: Operation, refs: Refs) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if one.answer is None:
        told[str(HTTPStatus.NO_CONTENT.value)] = {"description": "done"}
    elif issubclass(one.answer, BaseModel):
        content = {"application/json": {"schema": refs[one.answer]}}
        told[str(one.status.value)] = {"description": one.summary, "content": content}
    else:
        schema = {"type": "string", "format": "binary"}
        content = {"*/*": {"schema": schema}}
        told[str(one.status.value)] = {"description": one.summary, "content": content}
    for fault in faults_of(one):
        status = str(fault.status.value)
        line = f"`{fault.error}`: {fault.meaning}"
        if status in told:
            told[status]["description"] += f"\n\n{line}"
        else:
            content = {"application/json": {"schema": refs[Refused]}}
            told[status] = {"description": line, "content": content}
    return told
