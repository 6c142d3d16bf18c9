"""Sources: which billing account bills the usage of which WhatsApp account. Internal: between INVOICE and USAGE.

Source: billing.md §1.
"""

from __future__ import annotations

import orjson
from pydantic import ValidationError

from schemas.fields import Id, Version, Wire, problems_of
from schemas.json_text import read_json
from schemas.rejections import INVALID_FIELD, Rejection, rejection_of


class BillingSource(Wire):
    """A billing account bills the usage of a WhatsApp account from now on."""

    v: Version = 1
    whatsapp_account_id: Id
    account_id: Id

    @property
    def record_key(self) -> bytes:
        """A JSON array of both."""
        return orjson.dumps([self.whatsapp_account_id, self.account_id])


def decode_source(raw: bytes) -> BillingSource | Rejection:
    """The source of one record, or every problem it has."""
    value = read_json(raw)
    if isinstance(value, Rejection):
        return value
    if not isinstance(value, dict):
        return Rejection(INVALID_FIELD, "the source must be a JSON object")
    try:
        return BillingSource.model_validate(value)
    except ValidationError as error:
        return rejection_of(problems_of(error))
