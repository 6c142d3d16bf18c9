"""Deciding a delivery again: from its facts to what is published, as often as the facts change.

Nothing published is ever changed. When the decision differs, the newest line is taken back by a reversal and, where something is due, a
charge with the next revision follows; totals move with the lines. Deciding without a change costs a look and writes nothing.
"""

from __future__ import annotations

from rating import keys, waits
from rating.allowance import Allowance, Moved
from rating.catalog import Catalog
from rating.decision import Assessment, Surroundings, Waiting, assess, conclude
from rating.free_entry import FreeEntryPoints
from rating.ids import conversation_digest
from rating.life import Case, case_of
from rating.lines import Publisher
from rating.records import Charge, Delivery, Place, Profiles, Unrated
from rating.windows import Windows
from rating.workbench import FIRST_MEMBER, Workbench

PENDING = "pending"
UNRATED = "unrated"


class Redecision:
    """Decides deliveries of one step's workbench."""

    def __init__(self, bench: Workbench, catalog: Catalog, publisher: Publisher, *, allowance: int, window_by_sent: bool) -> None:
        self._bench = bench
        self._state = bench.state
        self._catalog = catalog
        self._publisher = publisher
        self._free_per_month = allowance
        self._window_by_sent = window_by_sent

    def decide(self, index: bytes, delivery_key: bytes) -> None:
        """Decides one delivery by its present facts; `index` says which index led here, since a wait's index ends the wait."""
        delivery = self._bench.delivery(delivery_key)
        if delivery is None:
            return
        if index in (keys.WAIT, keys.WAIT_BY_APPEND):
            delivery.wait_is_over = True
        if index == keys.SENT and not delivery.participant:
            self._bench.decide_range(delivery_key, FIRST_MEMBER, None)
        case = case_of(delivery, self._bench.sent_of_message(delivery))
        if case is None:
            return
        conversation = conversation_digest(delivery.phone_number_id, case.user)
        self._file(delivery, conversation, case.billed_at_ms)
        kept = self._kept_profiles(delivery, case.account_id)
        profiles = kept or self._bench.profiles(case.account_id)
        found = assess(case, profiles, self._surroundings(case, conversation), self._catalog, wait_is_over=delivery.wait_is_over)
        self._take_place(delivery, found.place if isinstance(found, Assessment) else None)
        if isinstance(found, Waiting):
            self._publish(delivery, None)
            waits.start(self._bench, delivery, case.billed_at_ms)
            return
        waits.stop(self._bench, delivery)
        if isinstance(found, Unrated):
            self._publish(delivery, found)
            return
        result = conclude(found, self._catalog, place_is_free=self._place_is_free(delivery))
        self._publish(delivery, result)
        if kept is None and isinstance(result, Charge):
            delivery.profiles = self._bench.keep_profiles(case.account_id)

    # Facts around a delivery

    def _surroundings(self, case: Case, conversation: bytes) -> Surroundings:
        instant_ms = case.sent_at_ms if self._window_by_sent and case.sent_at_ms is not None else case.billed_at_ms
        points = FreeEntryPoints(self._state, conversation)
        in_free_entry_point = points.covers(case.billed_at_ms) or points.opened_by(case.message_id)
        return Surroundings(Windows(self._state, conversation).at(instant_ms), in_free_entry_point)

    def _kept_profiles(self, delivery: Delivery, account_id: str) -> Profiles | None:
        """Those known when the delivery was first rated; None before that, and when it turned out to be another account's."""
        kept = None if delivery.profiles is None else self._bench.kept_profiles(delivery.profiles)
        return kept if kept is not None and kept.account_id == account_id else None

    # Filing

    def _file(self, delivery: Delivery, conversation: bytes, at_ms: int) -> None:
        """Keeps the conversation's index of billing instants in line."""
        if delivery.filed_conversation == conversation and delivery.filed_at_ms == at_ms:
            return
        if delivery.filed_conversation is not None:
            self._state.delete(keys.BILLED + delivery.filed_conversation + _moment(delivery, delivery.filed_at_ms))
        self._state.put(keys.BILLED + conversation + _moment(delivery, at_ms), b"")
        delivery.filed_conversation, delivery.filed_at_ms = conversation, at_ms

    def _take_place(self, delivery: Delivery, place: Place | None) -> None:
        """Keeps the allowance's order in line; whoever is pushed out or let back in is decided again."""
        old = delivery.place
        if old == place:
            return
        delivery.place = place
        for each, enters in ((place, True), (old, False)):
            if each is None:
                continue
            order = Allowance(self._state, delivery.phone_number_id, each.month, self._free_per_month)
            moment = _moment(delivery, each.at_ms)
            if each.takes:
                self._edge_moved(delivery.phone_number_id, order, order.take(moment) if enters else order.give_back(moment))
            elif enters:
                order.measure(moment)
            else:
                order.forget(moment)

    def _edge_moved(self, phone_number_id: str, order: Allowance, moved: Moved | None) -> None:
        if moved is None:
            return
        if moved.place is not None:
            self._bench.decide(keys.delivery(phone_number_id, *keys.named(moved.place)))
        self._bench.decide_range(order.beside, moved.beside_from, moved.beside_to, phone_number_id)

    def _place_is_free(self, delivery: Delivery) -> bool:
        if delivery.place is None:
            return True
        order = Allowance(self._state, delivery.phone_number_id, delivery.place.month, self._free_per_month)
        return order.is_free(_moment(delivery, delivery.place.at_ms))

    # Publishing

    def _publish(self, delivery: Delivery, result: Charge | Unrated | None) -> None:
        """Publishes the difference between what is known outside and what is due now."""
        charge = result if isinstance(result, Charge) else None
        if delivery.charge is not None and (charge is None or not delivery.charge.same_decision(charge)):
            self._bench.publish(self._publisher.reversal(delivery, delivery.charge), "reversal")
            self._bench.totals.add(delivery.phone_number_id, delivery.charge, -1)
            delivery.charge = None
        if charge is not None and delivery.charge is None:
            delivery.charge = charge
            delivery.revision += 1
            self._bench.publish(self._publisher.charge(delivery, charge), "charge")
            self._bench.totals.add(delivery.phone_number_id, charge, 1)
            if charge.meta_agrees is False:
                self._bench.counts["meta_disagreement"] += 1
        self._publish_unrated(delivery, result if isinstance(result, Unrated) else None)
        self._enter_ledger(delivery, charge.outcome if charge is not None else UNRATED if result is not None else PENDING)

    def _publish_unrated(self, delivery: Delivery, unrated: Unrated | None) -> None:
        if unrated == delivery.unrated:
            return
        if unrated is not None:
            self._bench.publish(self._publisher.unrated(delivery, unrated), UNRATED)
        else:
            self._bench.publish(self._publisher.mended(delivery), "mended")
        delivery.unrated = unrated
        self._wait_for_account(delivery, unrated.account_id if unrated is not None and unrated.reason == "unknown_account" else None)

    def _wait_for_account(self, delivery: Delivery, account_id: str | None) -> None:
        """Keeps the index of deliveries that a profile would mend."""
        if account_id == delivery.waits_for_account:
            return
        name = keys.delivery(delivery.phone_number_id, delivery.message_id, delivery.participant)[len(keys.DELIVERY) :]
        if delivery.waits_for_account is not None:
            self._state.delete(keys.of_owner(keys.UNKNOWN_ACCOUNT, delivery.waits_for_account) + name)
        if account_id is not None:
            self._state.put(keys.of_owner(keys.UNKNOWN_ACCOUNT, account_id) + name, b"")
        delivery.waits_for_account = account_id

    def _enter_ledger(self, delivery: Delivery, disposition: str) -> None:
        if delivery.disposition == disposition:
            return
        deliveries = self._bench.ledger.deliveries
        if delivery.disposition is not None:
            deliveries[delivery.disposition] -= 1
        deliveries[disposition] = deliveries.get(disposition, 0) + 1
        delivery.disposition = disposition


def _moment(delivery: Delivery, at_ms: int) -> bytes:
    return keys.moment(at_ms, delivery.message_id, delivery.participant)
