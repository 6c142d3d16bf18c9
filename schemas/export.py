"""The contract as documents for other programs: JSON Schema per topic, and one AsyncAPI document over all.

Pure: the documents are functions of the models alone, the same text every time.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from schemas.topics import TOPICS, Topic

JSON_SCHEMA_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
ASYNCAPI_VERSION: Final = "3.0.0"
ASYNCAPI_FILE: Final = "asyncapi.json"

_DAY_MS: Final = 24 * 60 * 60 * 1000

JsonObject = dict[str, Any]


def export(version: str = "1") -> dict[str, str]:
    """All documents by file name: `usage.rated.schema.json`, `usage.rejected.headers.schema.json`, …, `asyncapi.json`.

    `version` is the contract's, as the AsyncAPI document names it.
    """
    files = {}
    for topic in TOPICS:
        if topic.record is not None:
            files[f"{topic.name}.schema.json"] = _text(json_schema(topic.record, topic.summary))
        if topic.headers is not None:
            files[f"{topic.name}.headers.schema.json"] = _text(json_schema(topic.headers, topic.summary))
    files[ASYNCAPI_FILE] = _text(asyncapi(version))
    return files


def json_schema(record: TypeAdapter[Any], summary: str) -> JsonObject:
    """The JSON Schema of a record's value, draft 2020-12.

    It says of a record's form whatever JSON Schema can say. What it can't is left to the decoder: that a date exists, that a year is one
    of ours, that a zone is known.
    """
    schema = record.json_schema(by_alias=True)
    return {"$schema": JSON_SCHEMA_DRAFT, "$comment": summary, **schema}


def asyncapi(version: str) -> JsonObject:
    """The AsyncAPI document: a channel per topic that has a model, its messages, and what Wameter does with it.

    Internal topics are described as such.
    """
    channels: JsonObject = {}
    operations: JsonObject = {}
    messages: JsonObject = {}
    for topic in TOPICS:
        if topic.record is None and topic.headers is None:
            continue
        name = _identifier(topic.name)
        messages[name] = _message(topic)
        channels[name] = {
            "address": topic.name,
            "title": topic.name,
            "description": topic.summary + (" Internal: it may change without notice." if topic.internal else ""),
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            "bindings": {"kafka": _channel_binding(topic)},
        }
        action = "receive" if _is_read(topic) else "send"
        operations[f"{action}{name}"] = {
            "action": action,
            "summary": topic.summary,
            "channel": {"$ref": f"#/channels/{name}"},
            "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        }
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {
            "title": "Wameter",
            "version": version,
            "description": "Message events in, rated usage and totals out. Addresses may carry an environment's prefix. "
            "Read with isolation level read_committed.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": _shared_schemas()},
    }


def _message(topic: Topic) -> JsonObject:
    key = topic.key if topic.partitioned_by is None else f"{topic.key}; partitioned by {topic.partitioned_by}"
    message: JsonObject = {
        "name": topic.name,
        "title": topic.name,
        "summary": topic.summary,
        "contentType": "application/octet-stream" if topic.record is None else "application/json",
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": "0.5.0"}},
    }
    if topic.record is not None:
        message["payload"] = {"$ref": f"#/components/schemas/{_identifier(topic.name)}"}
    if topic.headers is not None:
        message["headers"] = {"$ref": f"#/components/schemas/{_identifier(topic.name)}Headers"}
    return message


def _shared_schemas() -> JsonObject:
    """The schemas of all records and of the objects in them, by name, as AsyncAPI wants them: its schemas are those of draft 07."""
    models = {}
    for topic in TOPICS:
        if topic.record is not None:
            models[_identifier(topic.name)] = topic.record
        if topic.headers is not None:
            models[f"{_identifier(topic.name)}Headers"] = topic.headers
    inputs: list[tuple[str, Literal["validation"], TypeAdapter[Any]]] = [(name, "validation", model) for name, model in models.items()]
    records, objects = TypeAdapter.json_schemas(inputs, by_alias=True, ref_template="#/components/schemas/{model}")
    schemas: JsonObject = {name: schema for (name, _), schema in records.items()}
    for schema in schemas.values():
        schema.pop("discriminator", None)
    schemas.update(objects.get("$defs", {}))
    return schemas


def _channel_binding(topic: Topic) -> JsonObject:
    retention_ms = -1 if topic.retention_days is None else topic.retention_days * _DAY_MS
    configuration: JsonObject = {"cleanup.policy": [topic.cleanup]}
    if topic.cleanup == "delete":
        configuration["retention.ms"] = retention_ms
    return {"topic": topic.name, "topicConfiguration": configuration, "bindingVersion": "0.5.0"}


def _is_read(topic: Topic) -> bool:
    """Whether others write the topic and Wameter reads it."""
    return topic.name.startswith("whatsapp.") or topic.name.endswith(".commands")


def _identifier(name: str) -> str:
    """`usage.rated` as a name in the document: `UsageRated`."""
    return "".join(part.capitalize() for part in name.split("."))


def _text(document: JsonObject) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
