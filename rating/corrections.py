"""What a decision publishes: the difference between what is known outside and what is due now.

Nothing published is ever changed. When the decision differs, the newest line is taken back by a reversal and, where something is due, a
charge with the next revision follows; totals and the delivery ledger move with the lines.
"""

from __future__ import annotations

from typing import Final

from rating import keys
from rating.agenda import FIGURES
from rating.figures import FiguresBook, Priced
from rating.lines import CHARGE, REVERSAL, Publisher
from rating.records import Charge, Delivery, Unrated
from rating.workbench import Workbench

PENDING: Final = "pending"
UNRATED: Final = "unrated"


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
        if not self._is_published(delivery.charge, charge, due):
            self._take_back(delivery)
            if due.counted is not None:
                due = self._book.in_band(due, self._bench.tallies.charge(due.counted))
                charge = Charge(due.name, charge.billed_at_ms, charge.window)
            delivery.charge, delivery.profiles = charge, None
            delivery.revision += 1
            if self._book.keep(due, self._state) and self._bench.agenda is not None:
                number = self._bench.number(delivery.phone_number_id)
                self._bench.agenda.dated(number, FIGURES, keys.FIGURES + due.name, due.figures.date)
            self._bench.publish(self._publisher.line(CHARGE, delivery, charge, due.line), CHARGE)
            self._bench.totals.add(due.figures, due.total, 1)
            if due.figures.meta_agrees is False:
                self._bench.counts["meta_disagreement"] += 1
        self._mend(delivery)
        self._enter_ledger(delivery, due.figures.outcome)

    def to_unrated(self, delivery: Delivery, why: Unrated) -> None:
        """It cannot be priced."""
        self._take_back(delivery)
        if delivery.unrated != why:
            self._bench.publish(self._publisher.unrated(delivery, why), UNRATED)
            self._wait_for_account(delivery, why)
        self._enter_ledger(delivery, UNRATED)

    def to_nothing(self, delivery: Delivery) -> None:
        """Nothing can be said yet."""
        self._take_back(delivery)
        self._mend(delivery)
        self._enter_ledger(delivery, PENDING)

    def _take_back(self, delivery: Delivery) -> None:
        charge = delivery.charge
        if charge is None:
            return
        priced = self._book.named(charge.figures, self._state)
        self._bench.publish(self._publisher.line(REVERSAL, delivery, charge, priced.line), REVERSAL)
        self._bench.totals.add(priced.figures, priced.total, -1)
        if priced.counted is not None:
            self._bench.tallies.take_back(priced.counted)
        delivery.charge, delivery.profiles = None, priced.figures.profiles

    def _is_published(self, published: Charge | None, charge: Charge, due: Priced) -> bool:
        """Whether nothing that was decided differs. In which volume band a line prices a message is no decision."""
        if published is None:
            return False
        if due.counted is None or published.billed_at_ms != charge.billed_at_ms:
            return published.same_decision(charge)
        return self._book.named(published.figures, self._state).base == due.name

    def _mend(self, delivery: Delivery) -> None:
        if delivery.unrated is not None:
            self._bench.publish(self._publisher.mended(delivery), "mended")
            self._wait_for_account(delivery, None)

    def _wait_for_account(self, delivery: Delivery, why: Unrated | None) -> None:
        """Sets why it is unrated, and keeps the index of deliveries that a profile would mend."""
        before, after = _awaited_account(delivery.unrated), _awaited_account(why)
        if self._bench.agenda is not None:
            self._bench.agenda.unrated_changes(delivery, delivery.unrated, why)
        delivery.unrated = why
        if before == after:
            return
        name = keys.delivery(delivery.phone_number_id, delivery.message_id, delivery.participant)[len(keys.DELIVERY) :]
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


def _awaited_account(why: Unrated | None) -> str | None:
    return why.account_id if why is not None and why.reason == "unknown_account" else None
