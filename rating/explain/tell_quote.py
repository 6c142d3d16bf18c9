"""A quote in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from rating.explain.rows import Row, fee_row, labelled, market_row, price_row, rule_row
from rating.explain.times import clock, length, money, spoken, spoken_month
from rating.explain.words import KINDS
from rating.quote import Answer, Quote, VolumeNext


def tell_quote(quote: Quote) -> list[str]:
    """The whole quote as lines of text, without their ends."""
    when = spoken(quote.at_ms, quote.timezone)
    what = KINDS.get(quote.category, "message").capitalize()
    lines = [f"{what} of {quote.account_id} to {quote.recipient}, delivered on {when} ({quote.timezone or 'UTC'})", ""]
    if quote.unpriced is not None:
        for sentence in (f"No price, because {quote.unpriced.lacks}.", f"To mend it: {quote.unpriced.mend}."):
            lines += labelled("", sentence, gap=0)
    lines += [line for answer in quote.answers for line in labelled("", _answer(answer, quote), gap=0)]
    facts = list(_rows(quote))
    width = max((len(label) for label, _ in facts), default=0)
    if facts:
        lines += ["", *(line for label, text in facts for line in labelled(f"{label:<{width}}", text))]
    if quote.notes:
        lines += ["", "Notes", *(line for sentence in quote.notes for line in labelled("", sentence, gap=0))]
    return lines


def _answer(answer: Answer, quote: Quote) -> str:
    conditions = []
    if answer.in_window is not None:
        conditions.append("if the customer has written within the 24 hours before" if answer.in_window else "if not")
    if answer.free_message_left is not None:
        conditions.append(_allowance_condition(answer, quote))
    condition = f" {' and '.join(conditions)}" if conditions else ""
    if answer.unpriced is not None:
        return f"no price{condition}: {answer.unpriced.lacks}; {answer.unpriced.mend}"
    reason = "" if answer.reason is None else f" ({answer.reason})"
    if answer.outcome == "free" or answer.amount_nanos is None:
        return f"free{condition}{reason}"
    return f"{money(answer.amount_nanos, answer.currency)}{condition}{reason}"


def _allowance_condition(answer: Answer, quote: Quote) -> str:
    """The case in words; where it is known which one it is, the other is said to be the other."""
    if answer.applies is None:
        return "while the number has a free message left this month" if answer.free_message_left else "once they are used up"
    if quote.allowance is None:
        return ""
    place, month = quote.allowance, spoken_month(quote.allowance.month)
    if answer.applies:
        return f"by what is known now: {place.number - 1:,} of the number's {place.free:,} free messages of {month} are used before it"
    if answer.free_message_left:
        return "if one of the messages before it turns out to take no free place"
    return f"if {place.free - place.number + 1:,} more of the number's service messages of {month} are delivered before it"


def _rows(quote: Quote) -> Iterator[Row]:
    if quote.window_is_open is not None:
        yield "Window", _window(quote)
    else:
        yield "Window", "not known without the business phone number and its events"
    if quote.in_free_entry_point:
        yield "Free entry", "the customer came through an ad, and everything is free"
    if quote.clause is not None:
        yield "Rule", rule_row(quote.clause, quote.date)
    if quote.market is not None:
        yield "Market", market_row(quote.market)
    first = next((answer for answer in quote.answers if answer.price is not None), None)
    if first is not None and first.price is not None:
        yield "Price", price_row(first.price, quote.category, first.currency)
        if first.fee is not None and first.amount_nanos is not None:
            yield "Fee", fee_row(first.fee, first.amount_nanos, first.currency)
        if first.volume is not None:
            yield "Volume", _volume(first.volume)


def _volume(volume: VolumeNext) -> str:
    month = f"{volume.family} messages of portfolio {volume.portfolio_id} to {volume.market} in {spoken_month(volume.month)}"
    if volume.number is None:
        return f"priced in the first band, {volume.tier}: how many {month} come before it is not known"
    return f"it would be number {volume.number:,} of the {month}, in the band {volume.tier}"


def _window(quote: Quote) -> str:
    zone, window, missed = quote.timezone, quote.window, quote.missed_window
    if window is not None:
        left = length(window.expires_at_ms - quote.at_ms)
        return f"open until {clock(window.expires_at_ms, zone)}, for another {left}, by the customer's message {window.opened_by}"
    refused = "; WhatsApp takes a service message only while one is open" if quote.category == "service" else ""
    if missed is None or missed.closed_at_ms is None or missed.missed_by_ms is None:
        return f"none is open: no message of the customer before it is known{refused}"
    return f"none is open: the last one closed at {clock(missed.closed_at_ms, zone)}, {length(missed.missed_by_ms)} before{refused}"
