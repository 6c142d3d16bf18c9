"""Commands that change rated data: records on `rating.commands`, executed by the meter in its own transaction, once per id.

What each command carries is settled with the command itself; the envelope is common to all.

Source: contract §1.
"""

from __future__ import annotations

from pydantic import ConfigDict, Field

from schemas.fields import Id, Version, Wire


class RatingCommand(Wire):
    """The envelope of a command, keyed by `phone_number_id`."""

    model_config = ConfigDict(title="Rating command")

    v: Version = 1
    id: Id = Field(description="The command's id: a second record with the same id has no effect.")
    type: Id = Field(description="What to do: re-drive, reprice, void, or activate a catalog.", examples=["reprice"])
    phone_number_id: Id = Field(description="The business phone number it is for; the record's key.", examples=["106540352242922"])
