"""Rejected records: what could not be read, byte for byte, and where it came from.

Source: contract §1 (the topic), §7 (the line of `wameter rate --rejected`).
"""

from __future__ import annotations

from pydantic import ConfigDict, Field

from schemas.fields import Id, Instant, Published, PublishedVersion


class RejectedHeaders(Published):
    """Headers of a record on `usage.rejected`, each a UTF-8 text. Key and value are the refused record's own."""

    model_config = ConfigDict(title="Rejected record: headers")

    reason: Id = Field(description="Stable code.", examples=["invalid_field"])
    detail: str = Field(description="Every problem, field by field, without values.", examples=["time: is missing; user: must be text"])
    topic: Id = Field(description="Where it was read.", examples=["whatsapp.messages"])
    partition: str = Field(pattern="^[0-9]+$", examples=["3"])
    offset: str = Field(pattern="^[0-9]+$", examples=["1029"])
    rejected_at: Instant = Field(description="When the refused record was appended: a replay writes the same bytes.")
    sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="Of the whole value, where it was too large and the record holds its beginning alone."
    )
    bytes: str | None = Field(
        None, pattern="^[0-9]+$", description="Length of the whole value, where the record holds its beginning alone."
    )


class RejectedLine(Published):
    """What `wameter rate --rejected` writes for a line of a file."""

    model_config = ConfigDict(title="Rejected line of a file")

    v: PublishedVersion
    reason: Id
    detail: str
    file: str = Field(description="As it was named on the command line; `-` is standard input.", examples=["events.jsonl", "-"])
    line: int = Field(ge=1, description="From 1, blank lines counted.")
    raw_base64: str = Field(description="The line's bytes without its end.")
