"""Deciding a delivery again: from its facts to what is due, as often as the facts change.

Deciding without a change costs a look and writes nothing. What a change publishes is the matter of `corrections.py`.
"""

from __future__ import annotations

from rating import keys, waits
from rating.allowance import Allowance, Moved
from rating.corrections import Corrections
from rating.decision import circumstances_of, dated, market_of, unrated
from rating.figures import Decided, FiguresBook, Library, Priced
from rating.free_entry import FreeEntryPoints
from rating.ids import LocalDate
from rating.leaves import Ordered
from rating.life import Case, case_of
from rating.lines import Publisher
from rating.localtime import month_of
from rating.profiles import Known
from rating.records import Cause, Charge, Delivery, Place, Unrated, Window
from rating.windows import Windows
from rating.workbench import Workbench


class Redecision:
    """Decides deliveries of one step's workbench."""

    def __init__(
        self, bench: Workbench, library: Library, active: FiguresBook, publisher: Publisher, *, allowance: int, window_by_sent: bool
    ) -> None:
        """`active` is the book by which deliveries are rated for the first time."""
        self._bench = bench
        self._state = bench.state
        self._library = library
        self._active = active
        self._corrections = Corrections(bench, active, publisher)
        self._free_per_month = allowance
        self._window_by_sent = window_by_sent

    def decide_all(self) -> None:
        """Decides whatever is marked, as far as the step's allotment goes."""
        next_due = self._bench.next_due
        while (due := next_due()) is not None:
            self.decide(*due)

    def decide_anew(self, delivery_key: bytes, cause: Cause) -> None:
        """Decides one delivery by what is known now, as if it had never been rated; what is published names the command."""
        self._bench.cause = cause
        self.decide(delivery_key, wait_is_over=False, anew=True)
        self._bench.cause = None
        delivery = self._bench.delivery(delivery_key)
        if delivery is not None and delivery.charge is None:
            delivery.profiles = delivery.known_at = None

    def is_among(self, delivery_key: bytes, account_id: str | None, date_from: str | None, date_to: str | None) -> bool:
        """Whether a delivery is one of an account, and its local date by the profile known now lies in a period, both ends included."""
        delivery = self._bench.delivery(delivery_key)
        case = None if delivery is None else case_of(delivery, self._bench.message_of(delivery))
        if case is None or account_id not in (None, case.account_id):
            return False
        if date_from is None and date_to is None:
            return True
        on = dated(case, self._bench.profiles(case.account_id))
        return on is not None and (date_from or "") <= on[0] <= (date_to or "9999")

    def activate(self, known_at: str) -> None:
        """From now on deliveries are rated for the first time by the catalog as known on a date."""
        self._active = self._library.as_known(known_at)

    def decide(self, delivery_key: bytes, wait_is_over: bool, *, anew: bool = False) -> None:
        """Decides one delivery by its present facts, and by what is known for want of a category if its wait is over.

        What was known when it was first rated stays known, unless it is decided `anew`.
        """
        delivery = self._bench.delivery(delivery_key)
        if delivery is None:
            return
        if wait_is_over:
            delivery.wait_is_over = True
        case = case_of(delivery, self._bench.message_of(delivery))
        if case is None:
            return
        conversation = keys.conversation(delivery.phone_number_id, case.user)
        self._file(delivery_key, delivery, conversation, case.billed_at_ms)
        if delivery.voided is not None or (delivery.participant and self._is_void_with_its_message(delivery)):
            self._stays_void(delivery)
            return
        if delivery.parked:
            if case.is_read_alone:
                self._corrections.to_nothing(delivery)
                return
            delivery.parked = ()
        kept = None if anew else self._kept(delivery, case.account_id)
        if kept is None:
            known = self._bench.profiles(case.account_id)
            self._decide(delivery, case, conversation, known, self._active)
            if delivery.charge is not None and known is not None:
                self._bench.keep_profiles(case.account_id, known)
        else:
            self._decide(delivery, case, conversation, *kept)

    def _decide(self, delivery: Delivery, case: Case, conversation: bytes, known: Known | None, book: FiguresBook) -> None:
        catalog = book.catalog
        on = dated(case, known)
        if known is None or on is None:
            self._stays_unrated(delivery, unrated("unknown_account", case, category=case.category))
            return
        date, version = on
        entries = self._bench.leaves.of(conversation)
        window = self._window(case, entries)
        given = circumstances_of(
            case,
            delivery.phone_number_id,
            known.name,
            date,
            catalog,
            in_window=window is not None,
            in_free_entry_point=self._in_free_entry_point(case, entries),
            always=book.always,
        )
        if isinstance(given, str):
            if given == "no_category" and not delivery.wait_is_over:
                self._waits(delivery, case)
            else:
                # What lacks a category has a recipient all the same; before the first rulebook no table says where.
                country, market = (given != "no_rulebook" and market_of(case, catalog, date)) or (None, None)
                self._stays_unrated(delivery, unrated(given, case, category=case.category, country=country, market=market))
            return
        decided = book.ruling(given, case.account_id, version)
        due = self._due(delivery, case, date, decided)
        if delivery.wait_until_ms is not None:
            waits.stop(self._bench, delivery)
        if isinstance(due, str):
            self._corrections.to_unrated(
                delivery, unrated(due, case, category=decided.category, country=given.country, market=given.market)
            )
            return
        self._corrections.to_charge(delivery, Charge(due.name, case.billed_at_ms, window), due)

    def _waits(self, delivery: Delivery, case: Case) -> None:
        self._take_place(delivery, None)
        self._corrections.to_nothing(delivery)
        waits.start(self._bench, delivery, case.billed_at_ms)

    def _stays_unrated(self, delivery: Delivery, why: Unrated) -> None:
        """Nothing else of it is looked at: it takes no place and waits for nothing but what would mend it."""
        self._take_place(delivery, None)
        waits.stop(self._bench, delivery)
        self._corrections.to_unrated(delivery, why)

    def _is_void_with_its_message(self, delivery: Delivery) -> bool:
        message = self._bench.delivery(keys.message_bucket(delivery.phone_number_id, delivery.message_id))
        if message is not None:
            delivery.voided = message.voided
        return delivery.voided is not None

    def _stays_void(self, delivery: Delivery) -> None:
        """It was taken back for good: it takes no place and waits for nothing, whatever else is heard of it."""
        self._take_place(delivery, None)
        waits.stop(self._bench, delivery)
        self._corrections.to_void(delivery)

    # Facts around a delivery

    def _window(self, case: Case, conversation: Ordered) -> Window | None:
        instant_ms = case.sent_at_ms if self._window_by_sent and case.sent_at_ms is not None else case.billed_at_ms
        return Windows(conversation).at(instant_ms)

    def _in_free_entry_point(self, case: Case, conversation: Ordered) -> bool:
        points = FreeEntryPoints(conversation)
        return points.are_any() and (points.covers(case.billed_at_ms) or points.opened_by(case.message_id))

    def _kept(self, delivery: Delivery, account_id: str) -> tuple[Known, FiguresBook] | None:
        """Profiles and prices as known when the delivery was first rated, or as a command has moved that.

        None before that, and when it turned out to be another account's.
        """
        name, known_at = delivery.profiles, delivery.known_at
        if name is None:
            if delivery.charge is None:
                return None
            figures = self._active.named(delivery.charge.figures, self._state).figures
            name, known_at = figures.profiles, figures.known_at
        kept = self._bench.kept_profiles(name)
        if kept is None or kept.profiles.account_id != account_id:
            return None
        return kept, self._library.as_known(known_at or "")

    # Filing

    def _file(self, delivery_key: bytes, delivery: Delivery, conversation: bytes, at_ms: int) -> None:
        """Keeps the conversation's index of billing instants in line."""
        usual = keys.conversation(delivery.phone_number_id, delivery.user)
        before = usual if delivery.filed_in == b"" else delivery.filed_in
        if before == conversation and delivery.filed_at_ms == at_ms:
            return
        leaves = self._bench.leaves
        if before is not None:
            leaves.of(before).delete(keys.BILLED, keys.billed(delivery.filed_at_ms, delivery_key))
        entries = leaves.of(conversation)
        if entries.first(keys.BILLED) is None:
            self._state.put(keys.one_conversation(delivery.phone_number_id, conversation), b"")
        entries.put(keys.BILLED, keys.billed(at_ms, delivery_key))
        delivery.filed_in = b"" if conversation == usual else conversation
        delivery.filed_at_ms = at_ms

    def _due(self, delivery: Delivery, case: Case, date: LocalDate, decided: Decided) -> Priced | str:
        """What is due, by its place in the allowance's order where that plays a part."""
        if decided.beyond_allowance is None:
            self._take_place(delivery, None)
            return decided.in_allowance
        place = Place(month_of(date), case.billed_at_ms, decided.takes_place)
        self._take_place(delivery, place)
        order = self._order(delivery, place)
        return decided.in_allowance if order.is_free(_moment(delivery, place.at_ms)) else decided.beyond_allowance

    def _take_place(self, delivery: Delivery, place: Place | None) -> None:
        """Keeps the allowance's order in line; whoever is pushed out or let back in is decided again."""
        old = delivery.place
        if old == place:
            return
        delivery.place = place
        for each, enters in ((place, True), (old, False)):
            if each is None:
                continue
            order = self._order(delivery, each)
            moment = _moment(delivery, each.at_ms)
            if enters and self._bench.agenda is not None:
                entries = self._bench.leaves.of(order.bucket)
                self._bench.agenda.month(self._bench.number(delivery.phone_number_id), entries, order.bucket, each.month)
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
        low, high = moved.beside_from, moved.beside_to
        self._bench.decide_range(order.bucket, keys.NO_PLACE + low, None if high is None else keys.NO_PLACE + high, phone_number_id)

    def _order(self, delivery: Delivery, place: Place) -> Allowance:
        return Allowance(self._state, self._bench.leaves, delivery.phone_number_id, place.month, self._free_per_month)


def _moment(delivery: Delivery, at_ms: int) -> bytes:
    return keys.moment(at_ms, delivery.message_id, delivery.participant)
