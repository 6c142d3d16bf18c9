"""What lies around a delivery: its window or the nearest ones, its free entry point, its place in the month's allowance."""

from __future__ import annotations

from rating import keys
from rating.allowance import Allowance
from rating.decision import Ruling
from rating.explain.facts import Clause, FreeEntry, MissedWindow, OpenWindow, Standing
from rating.explain.weighing import Scales, Weighed, conversation_of
from rating.leaves import Ordered
from rating.localtime import month_of
from rating.profiles import Known
from rating.records import Figures, Place
from rating.rulebooks import FREE, rulebook_on
from rating.windows import LENGTH_MS, Windows
from rating.workbench import Workbench


def open_window(weighed: Weighed) -> OpenWindow | None:
    """The window that covered it."""
    window = weighed.window
    return None if window is None else OpenWindow(window.opened_by, window.opened_at_ms, window.expires_at_ms)


def missed_window(scales: Scales, bench: Workbench, phone_number_id: str, weighed: Weighed, known: Known | None) -> MissedWindow | None:
    """By how much it missed the windows on either side, and whether the same message would have been free there; None inside one."""
    if weighed.window is not None:
        return None
    instant_ms = weighed.window_at_ms
    entries = conversation_of(bench, phone_number_id, weighed.case)
    missed_by_ms = Windows(entries).closed_since_ms(instant_ms)
    following = entries.first(keys.OPENS_WINDOW, keys.instant(instant_ms + 1))
    next_at_ms = None if following is None else keys.at(following[0])
    early_by_ms = None if next_at_ms is None else next_at_ms - instant_ms

    def is_free(by_ms: int | None) -> bool:
        if by_ms is None:
            return False
        return _is_free(scales.weigh(bench, phone_number_id, scales.moved(weighed.case, by_ms), known).ruling)

    return MissedWindow(
        closed_at_ms=None if missed_by_ms is None else instant_ms - missed_by_ms,
        missed_by_ms=missed_by_ms,
        free_if_earlier=is_free(None if missed_by_ms is None else -missed_by_ms - 1),
        next_opened_by=None if following is None else keys.named(following[0])[0],
        next_opened_at_ms=next_at_ms,
        early_by_ms=early_by_ms,
        free_if_later=is_free(early_by_ms),
    )


def _is_free(ruling: Ruling | None) -> bool:
    return ruling is not None and isinstance(ruling.in_allowance, Figures) and ruling.in_allowance.outcome == FREE


def window_end_ms(entries: Ordered, at_ms: int) -> int | None:
    """When the window that is open at an instant closes, all messages of the user counted, later ones too."""
    window = Windows(entries).at(at_ms)
    while window is not None:
        following = entries.last(keys.OPENS_WINDOW, b"", keys.instant(window.expires_at_ms))
        if following is None or keys.at(following[0]) + LENGTH_MS <= window.expires_at_ms:
            return window.expires_at_ms
        window = Windows(entries).at(keys.at(following[0]))
    return None


def free_entry_point(bench: Workbench, phone_number_id: str, weighed: Weighed) -> FreeEntry | None:
    """The one that makes it free: that which it opened, else the latest that covers it."""
    if not weighed.in_free_entry_point:
        return None
    entries = conversation_of(bench, phone_number_id, weighed.case)
    case = weighed.case
    covering = None
    for moment, end in entries.range(keys.FREE_ENTRY):
        message_id, _ = keys.named(moment)
        if message_id == case.message_id:
            return _free_entry(entries, moment, end, is_opener=True)
        if keys.at(moment) <= case.billed_at_ms < keys.at(end):
            covering = moment, end
    return None if covering is None else _free_entry(entries, *covering, is_opener=False)


def _free_entry(entries: Ordered, moment: bytes, end: bytes, *, is_opener: bool) -> FreeEntry | None:
    referral = entries.last(keys.AD_REFERRAL, b"", keys.instant(keys.at(moment) + 1))
    if referral is None:
        return None
    return FreeEntry(
        referral=keys.named(referral[0])[0],
        referred_at_ms=keys.at(referral[0]),
        opened_by=keys.named(moment)[0],
        from_ms=keys.at(moment),
        until_ms=keys.at(end),
        is_opener=is_opener,
    )


def standing(bench: Workbench, phone_number_id: str, place: Place, message_id: str, participant: str, free: int) -> Standing:
    """Where a delivery stands in its month's order. Costs as much as the month has service messages."""
    order = Allowance(bench.state, bench.leaves, phone_number_id, place.month, free)
    entries = bench.leaves.of(order.bucket)
    moment = keys.moment(place.at_ms, message_id, participant)
    before = sum(1 for _ in entries.range(keys.PLACE, b"", moment))
    taken = before + sum(1 for _ in entries.range(keys.PLACE, moment))
    return Standing(place.month, free, taken, before + 1, place.takes, order.is_free(moment))


def place_of(weighed: Weighed) -> Place | None:
    """The place that a weighed case takes, or would be measured at; None where the allowance plays no part."""
    ruling, date = weighed.ruling, weighed.date
    if ruling is None or ruling.beyond_allowance is None or date is None:
        return None
    return Place(month_of(date), weighed.case.billed_at_ms, ruling.takes_place)


def clause_of(weighed: Weighed) -> Clause | None:
    """The rule for its category on its date."""
    if weighed.date is None or weighed.ruling is None:
        return None
    rulebook = rulebook_on(weighed.date)
    if rulebook is None:
        return None
    clause = rulebook.clauses[weighed.ruling.category]
    beyond = None if clause.beyond_allowance is None else clause.beyond_allowance.outcome
    return Clause(rulebook.id, weighed.ruling.category, clause.inside.outcome, clause.outside.outcome, beyond)
