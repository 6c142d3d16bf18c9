"""Commands: what people want changed about rated data, executed by the one who writes it.

A command that is read is remembered by its id and waits its turn; commands are carried out one after another, in the order of their log,
after whatever a step brings. One that concerns many deliveries goes on where it stopped, at most a step's allotment at a time. Nothing of
it is an event: facts stay as they are, and what it changes is decided by the same functions as everything else.

Source: contract §1, §7; architecture, engine.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from rating import keys
from rating.activation import has, set_active
from rating.catalog import Catalog
from rating.ids import DIGEST_BYTES, delivery_id_of
from rating.orders import Active, Order, decode_order
from rating.records import FORMAT, Cause, Delivery, encode
from rating.redecide import Redecision
from rating.stage import PREFIX_BYTES, Record
from rating.workbench import FIRST_MEMBER, Workbench
from schemas.commands import ActivateCatalog, AnyCommand, Reprice, Void, decode_command
from schemas.decode import Rejection
from schemas.rejections import CATALOG_CONFLICT, INVALID_FIELD

TOPIC: Final = "rating.commands"
REPEATED: Final = "command_repeated"
TAKEN: Final = "command"
REFUSED: Final = "command_refused"

_ORDER_BYTES: Final = 8


class Commands:
    """Commands of one step's workbench."""

    def __init__(self, bench: Workbench, redecision: Redecision, catalog: Catalog, in_force: Active) -> None:
        self._bench = bench
        self._catalog = catalog
        self._in_force = in_force
        self._state = bench.state
        self._redecision = redecision

    def take(self, record: Record) -> Rejection | None:
        """Lets a command wait for its turn, unless one of its id was taken before; returns why it is none, if so."""
        command = decode_command(record.value or b"")
        if isinstance(command, Rejection):
            return command
        if not isinstance(command, ActivateCatalog) and record.key != command.phone_number_id.encode():
            return Rejection(INVALID_FIELD, "phone_number_id: must be the record's key too, or the command is read where it has no effect")
        executed = keys.of_owner(keys.EXECUTED, "" if isinstance(command, ActivateCatalog) else command.phone_number_id, command.id)
        if self._state.get(executed) is not None:
            self._bench.counts[REPEATED] += 1
            return None
        if isinstance(command, Reprice) and (command.catalog, command.known_at or "") != self._in_force_at_the_end():
            return Rejection(
                CATALOG_CONFLICT, "catalog, known_at: name a catalog that is not in force; see what is, and what it would change"
            )
        self._state.put(executed, b"")
        last = self._state.last(keys.ORDERS)
        number = 0 if last is None else int.from_bytes(last[0][PREFIX_BYTES:], "big") + 1
        self._state.put(keys.ORDERS + number.to_bytes(_ORDER_BYTES, "big"), encode(_order(command)))
        self._bench.counts[TAKEN] += 1
        return None

    def execute(self) -> bool:
        """Carries out what waits, as far as the step's allotment goes; returns whether something is left."""
        while (first := self._state.first(keys.ORDERS)) is not None:
            key, value = first
            order = decode_order(value)
            if not self._carry_out(order):
                self._state.put(key, encode(order))
                return True
            self._state.delete(key)
            if not has(self._catalog, self._in_force):
                return True  # the next step is another worker's, which has what is in force now
        return False

    def _in_force_at_the_end(self) -> tuple[str, str]:
        """The catalog that will be in force when everything that waits is done."""
        found = self._in_force.catalog, self._in_force.known_at
        for _, value in self._state.range(keys.ORDERS):
            order = decode_order(value)
            if order.cause.type == "activate_catalog":
                found = order.catalog, order.known_at
        return found

    def _carry_out(self, order: Order) -> bool:
        """Goes on with a command; returns whether it is done. If not, the order knows where to go on."""
        if order.cause.type == "activate_catalog":
            return self._activate(order)
        if order.cause.type == "void":
            return self._void(order)
        if order.cause.type == "reprice":
            return self._reprice(order)
        return self._redrive(order)

    def _activate(self, order: Order) -> bool:
        """Puts a catalog in force, be it one that this worker has or not."""
        self._in_force = Active(order.catalog, order.known_at)
        set_active(self._state, self._in_force)
        if has(self._catalog, self._in_force):
            self._redecision.activate(order.known_at)
        return True

    def _redrive(self, order: Order) -> bool:
        """Decides what is unrated again. Whatever that changes of others is decided before the next one."""
        wanted = None if order.delivery_ids is None else frozenset(order.delivery_ids)
        for sort in self._entries(keys.UNRATED, order, self._bench.redecisions_left):
            if self._bench.redecisions_left <= 0:
                order.done_to = sort
                return False
            self._bench.redecisions_left -= 1
            name = sort[keys.TIME_BYTES :]
            key = keys.DELIVERY + name
            delivery = self._bench.delivery(key)
            if delivery is None or delivery.unrated is None:
                continue
            if order.unrated_reason not in (None, delivery.unrated.reason) or (wanted and delivery_id_of(name) not in wanted):
                continue
            self._redecision.decide_anew(key, order.cause)
            self._redecision.decide_all()
        return True

    def _reprice(self, order: Order) -> bool:
        """Goes through a phone number's conversations and decides what they hold anew."""
        bench = self._bench
        began, low_in_it = order.done_to[:DIGEST_BYTES], order.done_to[DIGEST_BYTES:]
        # The one that is gone on with is not counted.
        for conversation in self._entries(keys.CONVERSATIONS, order, bench.redecisions_left + 1, began):
            resumed = conversation == began
            low = low_in_it if resumed else b""
            if bench.redecisions_left <= 0:
                order.done_to = conversation + low
                return False
            bench.redecisions_left -= not resumed  # one that is empty is looked at, too
            billed = bench.leaves.of(keys.CONVERSATION + conversation).range(keys.BILLED, low)
            for sort, _ in list(islice(billed, bench.redecisions_left + 1)):
                if bench.redecisions_left <= 0:
                    order.done_to = conversation + sort
                    return False
                bench.redecisions_left -= 1
                key = keys.DELIVERY + sort[keys.TIME_BYTES :]
                if self._redecision.is_among(key, order.account_id, order.date_from, order.date_to):
                    self._redecision.decide_anew(key, order.cause)
                    self._redecision.decide_all()
        return True

    def _entries(self, kind: bytes, order: Order, most: int, low: bytes | None = None) -> list[bytes]:
        """Sort fields of an index of the phone number, from where the order stands on: one more than `most` at most.

        They are a copy, since what they are asked for may change them.
        """
        bucket = keys.of_owner(kind, order.phone_number_id)
        entries = self._state.range(bucket, order.done_to if low is None else low)
        return [key[PREFIX_BYTES:] for key, _ in islice(entries, most + 1)]

    def _void(self, order: Order) -> bool:
        """Marks messages, or one member's copies of them, and decides them: nothing is due for them any more."""
        first = int.from_bytes(order.done_to, "big")
        for number, message_id in enumerate(order.message_ids[first:], first):
            if self._bench.redecisions_left <= 0:
                order.done_to = number.to_bytes(_ORDER_BYTES, "big")
                return False
            self._bench.redecisions_left -= 1
            key = keys.delivery(order.phone_number_id, message_id, order.participant or "")
            delivery = self._bench.delivery(key) or self._bench.add(
                key, Delivery(FORMAT, order.phone_number_id, message_id, order.participant or "", "", "")
            )
            if delivery.voided is None:
                delivery.voided = order.cause
            self._bench.decide(key)
            if not order.participant:
                self._bench.decide_range(key, FIRST_MEMBER, None)
            self._redecision.decide_all()
        return True


def _order(command: AnyCommand) -> Order:
    if isinstance(command, ActivateCatalog):
        return Order(Cause(command.type, command.id), "", catalog=command.catalog, known_at=command.known_at or "")
    if isinstance(command, Reprice):
        return Order(
            Cause(command.type, command.id, command.reason),
            command.phone_number_id,
            account_id=command.account_id,
            date_from=command.from_,
            date_to=command.to,
        )
    if isinstance(command, Void):
        cause = Cause(command.type, command.id, command.reason)
        return Order(cause, command.phone_number_id, message_ids=tuple(command.message_ids), participant=command.participant)
    ids = command.delivery_ids
    return Order(
        Cause(command.type, command.id),
        command.phone_number_id,
        delivery_ids=None if ids is None else tuple(ids),
        unrated_reason=command.reason,
    )
