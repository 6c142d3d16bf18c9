"""What a decision publishes: the difference between what is known outside and what is due now.

Nothing published is ever changed. When the decision differs, the newest line is taken back by a reversal and, where something is due, a
charge with the next revision follows; totals and the delivery ledger move with the lines.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from rating import keys
from rating.agenda import FIGURES
from rating.figures import FiguresBook, Priced
from rating.lines import CHARGE, REVERSAL, Publisher
from rating.records import Cause, Charge, Delivery, Figures, Unrated
from rating.workbench import Workbench

PENDING: Final = "pending"
UNRATED: Final = "unrated"
VOIDED: Final = "voided"


class Corrections:
    """Brings what is published of deliveries in line with what is due, within one step."""

    __slots__ = ("_bench", "_book", "_publisher", "_state")

    def __init__(self, bench: Workbench, book: FiguresBook, publisher: Publisher) -> None:
        self._bench = bench
        self._state = bench.state
        self._book = book
        self._publisher = publisher

    def to_charge(self, delivery: Delivery, charge: Charge, due: Priced) -> None:
        """A charge is due, with these figures: those of the first volume band where there are several."""
        published = delivery.charge
        if published is None or not self._is_said(published, charge, due):
            self._take_back(delivery)
            if due.counted is not None:
                due = self._book.in_band(due, self._bench.tallies.charge(due.counted))
                charge = Charge(due.name, charge.billed_at_ms, charge.window)
            delivery.charge, delivery.profiles, delivery.known_at = charge, None, None
            delivery.revision += 1
            if self._book.keep(due, self._state) and self._bench.agenda is not None:
                number = self._bench.number(delivery.phone_number_id)
                self._bench.agenda.dated(number, FIGURES, keys.FIGURES + due.name, due.figures.date)
            self._bench.publish(self._publisher.line(CHARGE, delivery, charge, due.line, self._bench.cause), CHARGE)
            self._bench.totals.add(due.figures, due.total, 1)
            if due.figures.meta_agrees is False:
                self._bench.counts["meta_disagreement"] += 1
        elif self._is_decided_by_something_else(published, due):
            delivery.profiles, delivery.known_at = due.figures.profiles, due.figures.known_at
        self._mend(delivery)
        self._enter_ledger(delivery, due.figures.outcome)

    def to_unrated(self, delivery: Delivery, why: Unrated) -> None:
        """It cannot be priced."""
        self._take_back(delivery)
        if delivery.unrated != why:
            self._bench.publish(self._publisher.unrated(delivery, why), UNRATED)
            self._file(delivery, why)
        self._enter_ledger(delivery, UNRATED)

    def to_nothing(self, delivery: Delivery) -> None:
        """Nothing can be said yet."""
        self._take_back(delivery)
        self._mend(delivery)
        self._enter_ledger(delivery, PENDING)

    def to_void(self, delivery: Delivery) -> None:
        """It was taken back for good."""
        self._take_back(delivery, delivery.voided)
        self._mend(delivery)
        self._enter_ledger(delivery, VOIDED)

    def _take_back(self, delivery: Delivery, cause: Cause | None = None) -> None:
        charge = delivery.charge
        if charge is None:
            return
        priced = self._book.named(charge.figures, self._state)
        self._bench.publish(self._publisher.line(REVERSAL, delivery, charge, priced.line, cause or self._bench.cause), REVERSAL)
        self._bench.totals.add(priced.figures, priced.total, -1)
        if priced.counted is not None:
            self._bench.tallies.take_back(priced.counted)
        delivery.charge = None
        if delivery.profiles is None:
            delivery.profiles, delivery.known_at = priced.figures.profiles, priced.figures.known_at

    def _is_said(self, published: Charge, charge: Charge, due: Priced) -> bool:
        """Whether the line in force says all of it already, though it may have been decided by another catalog or other profiles.

        In which volume band a line prices a message is no decision.
        """
        if published.billed_at_ms != charge.billed_at_ms:
            return False
        if published.figures == due.name:
            return True
        said = self._book.named(published.figures, self._state)
        return said.base == due.name or _payable(self._book.in_band(said, 0).figures) == _payable(due.figures)

    def _is_decided_by_something_else(self, published: Charge, due: Priced) -> bool:
        """Whether a line that says what is due says it by another catalog or other profiles than it would be corrected by from now on."""
        return published.figures != due.name and self._book.named(published.figures, self._state).base != due.name

    def _mend(self, delivery: Delivery) -> None:
        if delivery.unrated is not None:
            self._bench.publish(self._publisher.mended(delivery), "mended")
            self._file(delivery, None)

    def _file(self, delivery: Delivery, why: Unrated | None) -> None:
        """Sets why it is unrated, and keeps the indexes: of what is unrated, and of what a profile would mend."""
        known, delivery.unrated = delivery.unrated, why
        key = keys.delivery(delivery.phone_number_id, delivery.message_id, delivery.participant)
        unrated_from, unrated_now = (None if each is None else each.billed_at_ms for each in (known, why))
        if unrated_from != unrated_now:
            bucket = keys.of_owner(keys.UNRATED, delivery.phone_number_id)
            if unrated_from is not None:
                self._state.delete(bucket + keys.billed(unrated_from, key))
            if unrated_now is not None:
                self._state.put(bucket + keys.billed(unrated_now, key), b"")
        name = key[len(keys.DELIVERY) :]
        before, after = _awaited_account(known), _awaited_account(why)
        if before == after:
            return
        if before is not None:
            self._state.delete(keys.of_owner(keys.UNKNOWN_ACCOUNT, before) + name)
        if after is not None:
            self._state.put(keys.of_owner(keys.UNKNOWN_ACCOUNT, after) + name, b"")

    def _enter_ledger(self, delivery: Delivery, disposition: str) -> None:
        if delivery.disposition == disposition:
            return
        deliveries = self._bench.ledger.deliveries
        if delivery.disposition is not None:
            deliveries[delivery.disposition] -= 1
        deliveries[disposition] = deliveries.get(disposition, 0) + 1
        delivery.disposition = disposition


def _payable(figures: Figures) -> Figures:
    """Figures without what they were decided by: two that are equal then make no difference to anyone who pays."""
    return replace(figures, catalog="", known_at="", profiles=b"")


def _awaited_account(why: Unrated | None) -> str | None:
    return why.account_id if why is not None and why.reason == "unknown_account" else None
