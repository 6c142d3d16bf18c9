"""The facts of an explanation, one labelled line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Final

from rating.explain.facts import Clause, DeliveryFacts, Fee, MarketFound, PriceFound, Published, Seen, VolumeFound
from rating.explain.times import clock, length, money, spoken_month

Row = tuple[str, str]

WIDTH: Final = 110
"""Columns of a line of text."""

_STANDING = {"counts": "", "copy": "; the same again", "superseded": "; void, an earlier one of its kind counts"}
_LATE_FROM_MS = 60_000
"""Events overtake one another by seconds all the time; that is not called late."""


def labelled(label: str, text: str, gap: int = 2) -> list[str]:
    """A label and its text, wrapped beside it."""
    head = f"  {label}{'':<{gap}}"
    return wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False, break_on_hyphens=False)


def event_rows(events: Sequence[Seen], zone: str | None) -> list[str]:
    """A line for each event, by its time."""
    if not events:
        return ["  none"]
    times = [clock(event.time_ms, zone) for event in events]
    types = [event.type.removeprefix("message.") for event in events]
    wide, high = max(map(len, times)), max(map(len, types))
    heads = [f"{time:<{wide}}  {kind:<{high}}" for time, kind in zip(times, types, strict=True)]
    return [line for head, event in zip(heads, events, strict=True) for line in labelled(head, _event(event))]


def _event(event: Seen) -> str:
    gave = f"gave {_listed(event.gave)}; " if event.gave else ""
    code = "" if event.error_code is None else f"error {event.error_code}; "
    late = f"; {length(event.behind_ms)} late" if event.behind_ms >= _LATE_FROM_MS else ""
    return f"{gave}{code}{event.where}{late}{_STANDING[event.standing]}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def rows(delivery: DeliveryFacts) -> Iterator[Row]:
    """Everything that the price rests on, in the order in which it is decided."""
    if delivery.billed_at_ms is None:
        return
    yield "Account", delivery.account_id + ("" if delivery.timezone is None else f", in {delivery.timezone}")
    if delivery.meta is not None:
        yield "Meta", _meta(delivery)
    if delivery.free_entry_point is not None:
        yield "Free entry", _free_entry(delivery)
    yield "Window", _window(delivery)
    if delivery.clause is not None:
        yield "Rule", rule_row(delivery.clause, delivery.date) + ("; a reaction is free" if delivery.is_reaction else "")
    if delivery.allowance is not None:
        yield "Allowance", _allowance(delivery)
    if delivery.market is not None:
        yield "Market", market_row(delivery.market)
    if delivery.price is not None and delivery.due is not None:
        yield "Price", price_row(delivery.price, delivery.due.category, delivery.due.currency)
    if delivery.fee is not None and delivery.due is not None:
        yield "Fee", fee_row(delivery.fee, delivery.due.amount_nanos, delivery.due.currency)
    if delivery.volume is not None:
        yield "Volume", volume_row(delivery.volume) + _adjusted(delivery)
    if delivery.due is not None:
        yield "Line", f"{delivery.due.line_id}, revision {delivery.due.revision}, {delivery.due.outcome}: {delivery.due.reason}"


def _window(delivery: DeliveryFacts) -> str:
    zone, window, missed = delivery.timezone, delivery.window, delivery.missed_window
    matters = "" if delivery.window_matters or delivery.due is None else "; it makes no difference here"
    basis = " when it was sent" if delivery.window_basis == "sent" else ""
    if window is not None:
        opened, expires = clock(window.opened_at_ms, zone), clock(window.expires_at_ms, zone)
        return f"open{basis}, from {opened} to {expires}, by the customer's message {window.opened_by}{matters}"
    if missed is None or (missed.closed_at_ms is None and missed.next_opened_at_ms is None):
        return f"none{basis}: no message of the customer is known{matters}"
    said = []
    if missed.closed_at_ms is not None and missed.missed_by_ms is not None:
        said.append(f"the last one closed at {clock(missed.closed_at_ms, zone)}, {length(missed.missed_by_ms)} before")
    if missed.next_opened_at_ms is not None and missed.early_by_ms is not None:
        said.append(f"the next one opened at {clock(missed.next_opened_at_ms, zone)}, {length(missed.early_by_ms)} after")
    return f"none{basis}: {'; '.join(said)}{matters}"


def rule_row(clause: Clause, date: str | None) -> str:
    """The clause of the rulebook, and why it is that one."""
    where = f"{clause.inside} inside a window, {clause.outside} outside"
    if clause.inside == clause.outside:
        where = f"{clause.inside} inside a window and outside"
    if clause.beyond_allowance is not None:
        where = f"{clause.inside} while the month's allowance lasts, then {clause.beyond_allowance}"
    return f"rulebook {clause.rulebook}, because the local date is {date}: {clause.category} is {where}"


def _free_entry(delivery: DeliveryFacts) -> str:
    entry, zone = delivery.free_entry_point, delivery.timezone
    if entry is None:
        return ""
    opener = "this message" if entry.is_opener else entry.opened_by
    return (
        f"{clock(entry.from_ms, zone)} to {clock(entry.until_ms, zone)}: {opener} answered "
        f"{entry.referral}, with which the customer came through an ad at {clock(entry.referred_at_ms, zone)}"
    )


def _allowance(delivery: DeliveryFacts) -> str:
    place = delivery.allowance
    if place is None:
        return ""
    month = spoken_month(place.month)
    if not place.takes_place:
        return f"takes no place in {month}, because Meta's word decides; it would be number {place.number:,}, {place.free:,} are free"
    return (
        f"number {place.number:,} of {place.taken:,} in {month}, {place.free:,} are free, in the order of delivery; "
        "a message that turns up late can still move it"
    )


def market_row(market: MarketFound) -> str:
    """How the recipient led to the market."""
    where = f" ({', '.join(market.rows)})" if market.rows else ""
    country = "" if market.country is None else f" is {market.country}"
    if market.by == "prefix":
        if len(market.rows) > 1:
            country = f" is shared; the rest of the number says {market.country or 'no country'}"
        return f"the number begins with +{market.prefix}, which{country}: {market.market}{where}"
    if market.by == "nothing":
        return f"no prefix covers the number: {market.market}" if market.market else "no number, and no event tells the country: none"
    told = "an event tells the country" if market.by == "user_country" else "the recipient's id begins with the country"
    return f"{told}{country}: {market.market or 'none'}{where}"


def price_row(price: PriceFound, category: str, currency: str) -> str:
    """The row of the card."""
    instead = "" if price.printed_for == category else f"; the card has no row for {category}, so {price.printed_for}'s holds"
    return (
        f"{money(price.cost_nanos, currency)}: card {price.card}, in force from {price.effective_from}, {price.printed_for}, "
        f"tier {price.tier} ({price.row}){instead}"
    )


def fee_row(fee: Fee, amount_nanos: int, currency: str) -> str:
    """The fee, its rounding, and what it adds up to."""
    rounded = f", rounded half up to {fee.decimals} decimals {money(fee.fee_nanos, currency)}" if fee.is_rounded else f" {currency}"
    return f"{fee.percent} % of the price is {fee.exact}{rounded}; together {money(amount_nanos, currency)}"


def volume_row(volume: VolumeFound) -> str:
    """What it is counted in, and how its total divides."""
    counter = (
        f"counted with the {volume.family} messages of portfolio {volume.portfolio_id} to {volume.market} in {spoken_month(volume.month)}"
    )
    held = volume.held
    if len(held) == 1:
        return f"{counter}; all {volume.messages:,} of its total of {volume.date} lie in the band {held[0].tier}"
    shares = " and ".join(f"{band.messages:,} in {band.tier}" for band in held)
    return f"{counter}; of the {volume.messages:,} of its total of {volume.date} lie {shares}, and which lies where is not told apart"


def _adjusted(delivery: DeliveryFacts) -> str:
    """Where the line was charged at another band's price than the message now has."""
    charges = [each for each in delivery.history if each.kind == "charge"]
    if delivery.due is None or not charges:
        return ""
    charged = f"{charges[-1].amount} {charges[-1].currency}"
    if charged == money(delivery.due.amount_nanos, delivery.due.currency):
        return ""
    return f"; its line was charged at {charged}, adjustments of the total make up the difference"


def _meta(delivery: DeliveryFacts) -> str:
    meta, due = delivery.meta, delivery.due
    if meta is None:
        return ""
    if meta.outcome is None:
        return f"says {meta.type!r}, which this version does not know"
    if meta.own_outcome is None:
        return f"says {meta.type!r}: {meta.outcome}; our own rules have no price for it ({meta.own_reason})"
    if meta.agrees is not False:
        return f"says {meta.type!r}: {meta.outcome}; our own rules agree ({meta.own_reason})"
    own = f"{meta.own_outcome} ({meta.own_reason})"
    if meta.own_cost_nanos and due is not None:
        own += f", {money(meta.own_cost_nanos, due.currency)} without fee"
    return f"says {meta.type!r}: {meta.outcome}, and that counts; our own rules disagree: {own}"


def history_rows(delivery: DeliveryFacts) -> list[str]:
    """Everything that was published for it, in order, each with the record that brought it."""
    found = []
    before: Published | None = None
    for number, each in enumerate(delivery.history, 1):
        found += labelled(f"{number}.", f"{_published(each)}, after {cause_of(each, before, delivery.timezone)}", gap=1)
        before = each
    return found


def _published(each: Published) -> str:
    if each.kind == "mended":
        return "no longer unrated"
    if each.kind == "unrated":
        return f"unrated: {each.reason}"
    price = "free" if each.outcome == "free" else f"{each.amount} {each.currency}"
    return f"{each.kind} of revision {each.revision}: {price} ({each.reason})"


def cause_of(each: Published, before: Published | None, zone: str | None) -> str:
    """After what it was published; `before` is what was published before it."""
    cause = each.cause
    if cause.kind == "end of wait":
        return "the wait for its category"
    if cause.kind == "profile":
        return f"a profile of the account ({cause.where})"
    if cause.kind == "command":
        return f"a command ({cause.where})"
    when = "" if cause.time_ms is None else f" of {clock(cause.time_ms, zone)}"
    kind = "" if cause.event_type is None else cause.event_type.removeprefix("message.")
    if cause.kind == "own event":
        return f"its {kind} event{when} ({cause.where})"
    if cause.kind == "user's message":
        return f"the customer's message {cause.message_id}{when} ({cause.where})"
    return f"{_what_another_moved(each, before)}: the {kind} event{when} of {cause.message_id} ({cause.where})"


def _what_another_moved(each: Published, before: Published | None) -> str:
    reasons = _reasons([each] if before is None else [before, each])
    if reasons & {"allowance", "allowance_used"}:
        return "another message moved the month's allowance"
    if "free_entry_point" in reasons:
        return "another message moved a free entry point"
    return "another message changed it"


def _reasons(published: Iterable[Published]) -> set[str | None]:
    return {each.reason for each in published}
