"""An explanation in plain words: what a support agent reads to a customer, and below it every fact that it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from rating.explain.facts import DeliveryFacts, Due, Explanation, InboundFacts
from rating.explain.rows import WIDTH, cause_of, event_rows, history_rows, labelled, rows
from rating.explain.times import length, money, spoken, spoken_date, spoken_month

KINDS = {
    "marketing": "marketing message",
    "utility": "utility message",
    "authentication": "authentication message",
    "authentication_international": "authentication message",
    "service": "service message",
}


def tell(explanation: Explanation) -> list[str]:
    """The whole explanation as lines of text, without their ends."""
    lines: list[str] = []
    for part in _parts(explanation):
        lines += ["", *part] if lines else part
    return lines


def _parts(explanation: Explanation) -> Iterator[list[str]]:
    several = len(explanation.deliveries) > 1
    if several:
        members = len(explanation.deliveries)
        yield [f"{explanation.message_id} went to a group: {members} members got it, and each delivery is billed by itself."]
    for number, delivery in enumerate(explanation.deliveries, 1):
        name = f"{explanation.message_id}, recipient {number} ({delivery.recipient})" if several else explanation.message_id
        yield _delivery(name, delivery)
    for inbound in explanation.inbound:
        yield _inbound(explanation.message_id, inbound)
    if not explanation.deliveries and not explanation.inbound:
        yield _never_seen(explanation)
    if explanation.notes:
        yield ["Notes", *(line for sentence in explanation.notes for line in labelled("", sentence, gap=0))]
    if explanation.refused:
        refused = (line for sentence in explanation.refused for line in labelled("", sentence, gap=0))
        yield ["Records that name it and were rejected", *refused]


def _delivery(name: str, delivery: DeliveryFacts) -> list[str]:
    zone = delivery.timezone
    said = [line for sentence in summary(delivery) for line in wrap(sentence, WIDTH)]
    lines = [f"{name}: {headline(delivery)}", "", *said, "", f"Its events, in {zone or 'UTC'}"]
    lines += event_rows(delivery.events, zone)
    facts = list(rows(delivery))
    if facts:
        width = max(len(label) for label, _ in facts)
        lines += ["", "Why", *(line for label, text in facts for line in labelled(f"{label:<{width}}", text))]
    published = history_rows(delivery)
    if published:
        lines += ["", "Published", *published]
    return lines


def headline(delivery: DeliveryFacts) -> str:
    """`charged 0.0300 USD`, `free` …"""
    due = delivery.due
    if due is not None:
        return "free" if delivery.status == "free" else f"charged {_amounts(delivery, due)}"
    if delivery.unpriced is not None:
        return f"no price yet ({delivery.unpriced.reason})"
    if delivery.voided is not None:
        return "taken back for good"
    return "waits for its category" if delivery.status == "waiting" else "not delivered, so nothing is due"


def _amounts(delivery: DeliveryFacts, due: Due) -> str:
    """What it costs; where an edge of a volume band lies amid its total, what it may cost."""
    if delivery.volume is None or len(delivery.volume.held) < 2:
        return money(due.amount_nanos, due.currency)
    return " or ".join(money(band.amount_nanos, due.currency) for band in delivery.volume.held)


def summary(delivery: DeliveryFacts) -> list[str]:
    """The answer itself, a sentence or two in each line."""
    if delivery.billed_at_ms is None:
        return _not_delivered(delivery)
    what = KINDS.get(delivery.due.category if delivery.due else delivery.category or "", "message")
    said = [f"The {what} was delivered to {_where_to(delivery)} on {spoken(delivery.billed_at_ms, delivery.timezone)}."]
    if delivery.unpriced is not None:
        said += [
            f"It has no price, because {delivery.unpriced.lacks}.",
            f"To mend it: {delivery.unpriced.mend}. Until then it is counted as unrated, never as free.",
        ]
    elif delivery.voided is not None:
        said += [f"It was taken back for good: {delivery.voided}. Nothing is due for it, whatever else is heard of it."]
    elif delivery.due is None:
        until = (
            "" if delivery.waits_until_ms is None else f" until {spoken(delivery.waits_until_ms, delivery.timezone)} by the number's clock"
        )
        said += ["No event has told its category yet, so it has no price.", f"It waits for its message.sent event{until}."]
    else:
        said += [*_reason(delivery), _cost(delivery), *_corrected(delivery)]
    return said


def _corrected(delivery: DeliveryFacts) -> list[str]:
    """What was said before the price in force, where something was."""
    before = [each for each in delivery.history if each.kind == "reversal"]
    if not before:
        return []
    last = before[-1]
    price = "free" if last.outcome == "free" else f"charged {last.amount} {last.currency}"
    times = "" if len(before) == 1 else f" It was corrected {len(before)} times."
    return [f"Before, it was {price} ({last.reason}); that was taken back after {cause_of(last, None, delivery.timezone)}.{times}"]


def _where_to(delivery: DeliveryFacts) -> str:
    market = delivery.market
    if market is None or market.market is None:
        return f"a recipient ({delivery.recipient})"
    return f"a recipient in the market {market.market} ({delivery.recipient})"


def _not_delivered(delivery: DeliveryFacts) -> list[str]:
    said = []
    for event in delivery.events:
        if event.standing == "counts" and event.type == "message.sent":
            said.append(f"The message was sent on {spoken(event.time_ms, delivery.timezone)}.")
        elif event.standing == "counts" and event.type == "message.failed":
            code = "" if event.error_code is None else f", with Meta's error {event.error_code}"
            said.append(f"WhatsApp could not deliver it: it failed on {spoken(event.time_ms, delivery.timezone)}{code}.")
    return [*said, "Only a delivered message is billed, and no delivered or read event of it has come: nothing is due."]


def _cost(delivery: DeliveryFacts) -> str:
    due, fee = delivery.due, delivery.fee
    if due is None or delivery.status == "free":
        return "It costs nothing."
    if delivery.volume is not None and len(delivery.volume.held) > 1:
        return f"It costs {_amounts(delivery, due)}: an edge of a volume band lies amid the messages of its day."
    if fee is None:
        return f"It costs {money(due.amount_nanos, due.currency)}."
    price, amount = money(due.cost_nanos, due.currency), money(due.amount_nanos, due.currency)
    return f"Meta's price is {price}; with the platform's fee of {fee.percent} % it costs {amount}."


def _reason(delivery: DeliveryFacts) -> list[str]:
    due, clause = delivery.due, delivery.clause
    if due is None:
        return []
    if due.reason == "meta_pricing" and delivery.meta is not None:
        return _by_meta(delivery)
    if due.reason == "free_entry_point":
        return _by_free_entry_point(delivery)
    if due.reason == "reaction":
        return ["It is a reaction to a message of the customer, and reactions are free."]
    if due.reason in ("allowance", "allowance_used"):
        return _by_allowance(delivery)
    if due.reason == "service":
        return ["Service messages, written without a template, are free under the rules of that day."]
    kind = KINDS[due.category].capitalize() + "s"
    if clause is not None and clause.inside == clause.outside:
        since = f"Since {spoken_date(clause.rulebook)} " if due.category == "utility" else ""
        sentence = f"{kind if not since else kind.lower()} are charged whether or not the customer has written within 24 hours."
        return [since + sentence]
    return _by_window(delivery)


def _by_window(delivery: DeliveryFacts) -> list[str]:
    who = "a member of the group" if delivery.of_group else "the customer"
    basis = delivery.window_basis
    rule = f"A utility message is free if {who} has written within the 24 hours before it is {basis}, and charged otherwise."
    missed = delivery.missed_window
    if missed is None:
        return [rule, f"{who.capitalize()} had written, so the window was open."]
    if missed.missed_by_ms is None:
        said = f"No message of {who} before it is known."
    elif missed.missed_by_ms == 0:
        said = "The window of 24 hours closed at this very instant."
    else:
        said = f"The window of 24 hours had closed {length(missed.missed_by_ms)} before."
    if missed.free_if_earlier and missed.missed_by_ms is not None:
        more = f"{basis} any earlier" if missed.missed_by_ms == 0 else f"{basis} more than {length(missed.missed_by_ms)} earlier"
        said += f" {more.capitalize()}, it would have been free."
    if missed.free_if_later and missed.early_by_ms is not None:
        said += f" {who.capitalize()} wrote {length(missed.early_by_ms)} later: from then on it would have been free."
    return [rule, said]


def _by_allowance(delivery: DeliveryFacts) -> list[str]:
    place = delivery.allowance
    if place is None:
        return []
    month = spoken_month(place.month)
    if place.is_free:
        return [f"It is number {place.number:,} of the {place.free:,} free service messages that the business's number has in {month}."]
    return [
        f"The business's number has {place.free:,} free service messages a month. "
        f"Those of {month} were used up: this is number {place.number:,}."
    ]


def _by_free_entry_point(delivery: DeliveryFacts) -> list[str]:
    entry = delivery.free_entry_point
    if entry is None:
        return ["It lies in a free entry point, in which everything is free."]
    until = spoken(entry.until_ms, delivery.timezone)
    if entry.is_opener:
        return [
            "The customer had come through an ad, and this is the business's first answer: "
            f"it is free, and so is everything that follows until {until}."
        ]
    return [f"The customer had come through an ad, and the business answered: until {until} every message to the customer is free."]


def _by_meta(delivery: DeliveryFacts) -> list[str]:
    meta = delivery.meta
    if meta is None:
        return []
    own = "Our own rules have no price for it."
    if meta.own_outcome is not None:
        own = f"By our own rules it would be {meta.own_outcome} ({meta.own_reason})."
    return [f"Meta's own decision is {meta.type!r}, which means {meta.outcome}, and Meta's word counts. {own}"]


def _inbound(message_id: str, inbound: InboundFacts) -> list[str]:
    said = [
        f"{message_id}: from the customer, never charged",
        "",
        f"The customer wrote it on {spoken(inbound.time_ms, None)} (UTC). What customers write costs nothing.",
    ]
    if inbound.opens_window and inbound.window_until_ms is not None:
        until = spoken(inbound.window_until_ms, None)
        said.append(f"With it the customer's window of 24 hours opened, or began anew; that window closes on {until} (UTC).")
    else:
        said.append("It opened no window: a reaction, an edit or a notice of the system does not.")
    if inbound.came_through_ad:
        said.append("The customer came through an ad: the business's first answer within 24 hours is free and begins a free entry point.")
    return [*said, "", "Its events, in UTC", *event_rows(inbound.events, None)]


def _never_seen(explanation: Explanation) -> list[str]:
    said = (
        f"None of the {explanation.records_read:,} events in {explanation.read_from} is about this message, so nothing was charged for it.",
        "Check the id. If it is right, its events were not published, or they lie elsewhere.",
    )
    return [f"{explanation.message_id}: never seen", "", *(line for sentence in said for line in wrap(sentence, WIDTH))]
