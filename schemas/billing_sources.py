"""Sources: which billing account bills the usage of which WhatsApp account. Internal: between INVOICE and USAGE.

Source: billing.md §1.
"""

from __future__ import annotations

import orjson

from schemas.fields import Id, Version, Wire
from schemas.reading import read_record
from schemas.rejections import Rejection


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
    return read_record(raw, BillingSource, "source")
