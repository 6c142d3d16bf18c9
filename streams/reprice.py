"""What a reprice would change in a running system: METER itself is asked, on a copy of its state that is thrown away.

Each partition's state is restored from its changelog, as a worker does it, and the commands are carried out on it. What the stage puts out
is what it would publish; nobody else computes a price.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from rating import keys
from rating.commands import TOPIC as COMMANDS
from rating.meter import Meter
from rating.orders import Active, decode_active
from rating.stage import Output, Record, StageRefusedError
from streams.engine.stepping import steps_to_end
from streams.errors import UserError
from streams.guards import identity
from streams.guards.fatal import RefusalError
from streams.kafka.partitioner import partition_of
from streams.results import RATED, TOTALS, UNRATED, nanos
from streams.settings import Settings
from streams.state.store import Store
from streams.takeover.restore import restore
from streams.topic_reader import STATE, TopicReader


class Scope(NamedTuple):
    """What is to be repriced; None: everything."""

    account_id: str | None = None
    phone_number_id: str | None = None
    date_from: str | None = None
    date_to: str | None = None

    def command(self, phone_number_id: str, active: Active, command_id: str, reason: str | None) -> dict[str, Any]:
        """The command for a phone number."""
        said = {
            "type": "reprice",
            "id": command_id,
            "phone_number_id": phone_number_id,
            "catalog": active.catalog,
            "known_at": active.known_at or None,
            "account_id": self.account_id,
            "from": self.date_from,
            "to": self.date_to,
            "reason": reason,
        }
        return {name: value for name, value in said.items() if value is not None}


@dataclass(slots=True)
class Row:
    """What changes of an account's month and category."""

    deliveries: set[str] = field(default_factory=set)
    """Ids of those whose line changes."""
    old_nanos: int = 0
    """What the lines that are taken back amount to."""
    new_nanos: int = 0


@dataclass(slots=True)
class Impact:
    """Everything that a reprice would change."""

    active: Active | None = None
    """The catalog in force; None where nothing was rated yet."""
    rows: defaultdict[tuple[str, str, str, str], Row] = field(default_factory=lambda: defaultdict(Row))
    """By account, month, category and currency."""
    mended: int = 0
    """Deliveries that get their first price."""
    unrated: int = 0
    """Those that lose theirs."""
    phone_numbers: list[str] = field(default_factory=list)
    """Those of which something changes, be it only by what they are corrected from then on."""

    def take(self, outputs: Sequence[Output]) -> None:
        """Takes in what the stage would publish."""
        for output in outputs:
            if output.topic == UNRATED:
                self.mended += output.value is None
                self.unrated += output.value is not None
            elif output.topic == RATED:
                line = orjson.loads(output.value or b"")
                row = self.rows[line["account_id"], line["date"][:7], line["category"], line["currency"]]
                if line["kind"] == "reversal":
                    row.old_nanos += nanos(line["amount"])
                else:
                    row.new_nanos += nanos(line["amount"])  # an adjustment's is a difference
                if "delivery_id" in line:
                    row.deliveries.add(line["delivery_id"])

    def as_json(self) -> Iterator[dict[str, Any]]:
        """The rows as records, in their order."""
        from rating.money import Nanos, format_nanos

        for (account_id, month, category, currency), row in sorted(self.rows.items()):
            amounts = {"old": row.old_nanos, "new": row.new_nanos, "difference": row.new_nanos - row.old_nanos}
            yield {
                "v": 1,
                "account_id": account_id,
                "month": month,
                "category": category,
                "currency": currency,
                "lines": len(row.deliveries),
                **{name: format_nanos(Nanos(amount)) for name, amount in amounts.items()},
            }


async def impact(reader: TopicReader, settings: Settings, meter: Meter, scope: Scope) -> Impact:
    """What a reprice would change, as of now. Raises `UserError` where this catalog or these settings are not those of the workers."""
    found = Impact()
    numbers = await _phone_numbers(reader, scope)
    for partition in reader.partitions_of(STATE):
        own = [phone for phone in numbers if partition_of(phone.encode(), len(reader.partitions_of(STATE))) == partition.partition]
        store = Store()
        await restore(store, reader.consumer, partition, 0)
        active = _in_force(store, meter, f"{STATE} partition {partition.partition}")
        if active is None:
            continue
        if found.active not in (None, active):
            raise UserError("partitions have different catalogs in force; let wameter cards activate bring one into force everywhere")
        found.active = active
        for phone_number_id in own:
            _try(found, store, meter, scope.command(phone_number_id, active, "impact", None), partition.partition)
    return found


def _in_force(store: Store, meter: Meter, whose: str) -> Active | None:
    """The catalog in force, once the work that waits in the state is done."""
    known = store.get(identity.KEY)
    if known is None:
        return None
    try:
        identity.to_keep(known, meter.identity, {}, whose)
        for _ in steps_to_end(meter, store):
            pass
    except (RefusalError, StageRefusedError) as refused:
        raise UserError(f"{refused}; --catalog and the settings must be those of the workers") from None
    return decode_active(store.get(keys.ACTIVE_CATALOG) or b"")


def _try(found: Impact, store: Store, meter: Meter, command: Mapping[str, Any], partition: int) -> None:
    """Carries a command out on the copy."""
    phone_number_id = command["phone_number_id"]
    record = Record(COMMANDS, partition, 0, phone_number_id.encode(), orjson.dumps(command), None)
    is_changed = False
    for effects, changes in steps_to_end(meter, store, [record]):
        found.take(effects.outputs)
        is_changed = is_changed or any(key[:1] == keys.DELIVERY for key in changes)
    if is_changed:
        found.phone_numbers.append(phone_number_id)


async def _phone_numbers(reader: TopicReader, scope: Scope) -> list[str]:
    """The business phone numbers of which something was rated or is unrated."""
    found: set[tuple[str, str]] = set()
    async for record in reader.records(TOTALS, UNRATED):
        if record.topic == TOTALS and record.key is not None:
            found.add(tuple(orjson.loads(record.key)[:2]))
        elif record.value is not None:
            said = orjson.loads(record.value)
            found.add((said["account_id"], said["phone_number_id"]))
    return sorted({phone for account, phone in found if scope.account_id in (None, account) and scope.phone_number_id in (None, phone)})
