"""A delivery weighed again, with everything that tipped the scales kept in sight; also one that is only imagined.

Every question is put to the code that rates, in the order in which it asks: this module decides nothing. Nothing is written, so the state
may be a running one.
"""

from __future__ import annotations

from typing import NamedTuple

from rating import keys
from rating.catalog import Catalog
from rating.decision import Circumstances, Ruling, circumstances_of, dated, ruling_on
from rating.free_entry import FreeEntryPoints
from rating.ids import LocalDate
from rating.leaves import Ordered
from rating.life import Case
from rating.profiles import Known
from rating.records import Version, Window
from rating.windows import Windows
from rating.workbench import Workbench


class Weighed(NamedTuple):
    """What a case comes to, its place in the allowance apart."""

    case: Case
    window_at_ms: int
    """The instant that a window must cover: of delivery, or of sending."""
    window: Window | None
    in_free_entry_point: bool
    date: LocalDate | None
    """None where no profile tells the zone, or none is in force on the day."""
    version: Version | None
    given: Circumstances | None
    ruling: Ruling | None
    reason: str | None
    """Why it cannot be priced, as far as its circumstances tell; `no_rate` is in the ruling."""


class Scales:
    """Weighs cases as a meter with the same settings does."""

    def __init__(self, catalog: Catalog, *, window_by_sent: bool) -> None:
        self.catalog = catalog
        self.window_by_sent = window_by_sent

    def weigh(self, bench: Workbench, phone_number_id: str, case: Case, known: Known | None) -> Weighed:
        """Weighs a case by the facts of a workbench and by a set of profiles."""
        entries = conversation_of(bench, phone_number_id, case)
        window_at_ms = self.window_instant_ms(case)
        window = Windows(entries).at(window_at_ms)
        points = FreeEntryPoints(entries)
        in_free_entry_point = points.covers(case.billed_at_ms) or points.opened_by(case.message_id)
        on = dated(case, known)
        if known is None or on is None:
            return Weighed(case, window_at_ms, window, in_free_entry_point, None, None, None, None, "unknown_account")
        date, version = on
        given = circumstances_of(
            case,
            phone_number_id,
            known.name,
            date,
            self.catalog,
            in_window=window is not None,
            in_free_entry_point=in_free_entry_point,
        )
        if isinstance(given, str):
            return Weighed(case, window_at_ms, window, in_free_entry_point, date, version, None, None, given)
        ruling = ruling_on(given, case.account_id, version, self.catalog)
        return Weighed(case, window_at_ms, window, in_free_entry_point, date, version, given, ruling, None)

    def moved(self, case: Case, by_ms: int) -> Case:
        """The same case, sent and delivered earlier or later."""
        sent_at_ms = None if case.sent_at_ms is None else case.sent_at_ms + by_ms
        return case._replace(billed_at_ms=case.billed_at_ms + by_ms, sent_at_ms=sent_at_ms)

    def window_instant_ms(self, case: Case) -> int:
        """The instant that must lie in a window."""
        return case.sent_at_ms if self.window_by_sent and case.sent_at_ms is not None else case.billed_at_ms


def conversation_of(bench: Workbench, phone_number_id: str, case: Case) -> Ordered:
    """The ordered facts of a case's conversation."""
    return bench.leaves.of(keys.conversation(phone_number_id, case.user))
