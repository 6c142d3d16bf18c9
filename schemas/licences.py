"""Licences: which of a platform's users may send, and from when to when.

One record per billing account and user on the compacted topic `billing.licences`, and one without a user for what holds for the whole
account. A record replaces the one before it of the same key. It tells instants, so that a message that is heard of late is judged by the
licence of its own time.

Source: billing.md §5, last paragraph; seed S003.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pydantic import ConfigDict, Field

from schemas.fields import Id, Instant, Version, Wire
from schemas.reading import read_record
from schemas.rejections import Rejection

FAR_MS: Final = (1 << 62) - 1
"""Later than any instant: the end of a licence that nobody has taken back."""


class Licence(Wire):
    """One stretch of time `[from, to)`. Of a user: they hold a licence. Of an account: it has bought the add-on, or everyone has it."""

    addon: Id = Field(description="The add-on, as the plans file names it.", examples=["whatsapp"])
    consumption: bool = Field(
        description="Whether messages of its users are billed by use. Where false, nobody's messages are judged by it."
    )
    whatsapp_accounts: list[Id] = Field(
        description="WhatsApp accounts that it covers: those of the subscription.", examples=[["102290129340398"]]
    )
    from_: Instant = Field(alias="from", description="First instant.")
    to: Instant | None = Field(None, description="First instant after it, which may lie ahead. Absent: no end is known.")
    everyone: bool = Field(
        False,
        description="Of a record without user: true where every user counts as licensed, as in a trial; otherwise the account has bought "
        "the add-on, and its licences are users' own.",
    )


class LicencesRecord(Wire):
    """What is known of one user's licences, or of an account's add-ons, over the last 70 days; keyed `account_id:user_id`."""

    model_config = ConfigDict(title="Licences record")

    v: Version = 1
    account_id: Id = Field(description="The billing account.", examples=["acme"])
    user_id: Id | None = Field(
        None, description="The platform's user, as `sender_id` names them. Absent: the account itself; the key then ends with the colon."
    )
    licences: list[Licence] = Field(description="In the order of their beginnings.")
    since: Instant | None = Field(
        None,
        description="What ended by then is left out: messages sent before it are not judged by this user. Absent: nothing is left out.",
    )


class Stretch(NamedTuple):
    """A licence that matters to messages: of an add-on with consumption, of one WhatsApp account."""

    whatsapp_account: str
    from_ms: int
    to_ms: int
    """`FAR_MS`: no end is known."""
    everyone: bool


class Licences(NamedTuple):
    """One record, validated, as far as messages are judged by it."""

    account_id: str
    user_id: str | None
    since_ms: int
    """0: from the beginning."""
    stretches: tuple[Stretch, ...]
    whatsapp_accounts: frozenset[str]
    """Every WhatsApp account that the record names, whatever the add-on."""

    @property
    def key(self) -> bytes:
        """The record's key."""
        return licences_key(self.account_id, self.user_id)


def licences_key(account_id: str, user_id: str | None) -> bytes:
    """The key of a user's record on `billing.licences`; of the account's own without a user."""
    return f"{account_id}:{user_id or ''}".encode()


def decode_licences(raw: bytes) -> Licences | Rejection:
    """The licences of one record without its line end, or every problem it has. Nothing that anyone sends raises."""
    record = read_record(raw, LicencesRecord)
    if isinstance(record, Rejection):
        return record
    return Licences(
        account_id=record.account_id,
        user_id=record.user_id,
        since_ms=_within_reach(record.since or 0),
        stretches=tuple(
            Stretch(
                account,
                _within_reach(licence.from_),
                FAR_MS if licence.to is None else _within_reach(licence.to),
                licence.everyone and record.user_id is None,
            )
            for licence in record.licences
            if licence.consumption
            for account in dict.fromkeys(licence.whatsapp_accounts)
        ),
        whatsapp_accounts=frozenset(account for licence in record.licences for account in licence.whatsapp_accounts),
    )


def _within_reach(at_ms: int) -> int:
    """An instant before 1970 is as good as 1970: no message is older than 2009."""
    return max(0, at_ms)
