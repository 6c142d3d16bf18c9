"""From the bytes of a record to its Pydantic model, or to every problem it has at once."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from schemas.fields import problems_of
from schemas.json_text import read_json
from schemas.rejections import INVALID_FIELD, Rejection, rejection_of

Model = TypeVar("Model", bound=BaseModel)


def read_record(raw: bytes, model: type[Model], what: str = "record") -> Model | Rejection:
    """The record without its line end, or why it is none; `what` names it there. Nothing that anyone sends raises."""
    value = read_object(raw, what)
    return value if isinstance(value, Rejection) else validated(value, model)


def read_object(raw: bytes, what: str) -> dict[str, Any] | Rejection:
    """The JSON object that a record must be."""
    value = read_json(raw)
    if isinstance(value, Rejection):
        return value
    if not isinstance(value, dict):
        return Rejection(INVALID_FIELD, f"the {what} must be a JSON object")
    return value


def validated(value: dict[str, Any], model: type[Model]) -> Model | Rejection:
    """The model of an object, or every problem that it has."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        return rejection_of(problems_of(error))
