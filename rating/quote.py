"""What would a message cost? A question put to the meter before anything is sent.

The message is weighed as if it had been sent and delivered at one instant, by the facts in a meter's state and by the functions that rate.
Nothing is written. What cannot be known beforehand is answered for each case: with a window and without, with a free message left and with
none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from rating import keys
from rating.allowance import FREE_PER_MONTH
from rating.catalog import Catalog
from rating.decision import Circumstances, ruling_on, unrated
from rating.explain.facts import Clause, Fee, MarketFound, MissedWindow, OpenWindow, PriceFound, Standing, Unpriced
from rating.explain.masks import masked
from rating.explain.price import fee_of, market_of, price_of
from rating.explain.scratch import Scratch
from rating.explain.surroundings import clause_of, missed_window, open_window, place_of, standing
from rating.explain.unrated import unpriced
from rating.explain.volume import tally_name
from rating.explain.weighing import Scales, Weighed, conversation_of
from rating.figures import in_band
from rating.free_entry import FreeEntryPoints
from rating.life import Case
from rating.profiles import Known
from rating.records import Figures, Version
from rating.stage import State
from rating.tiers.naming import TallyName
from rating.tiers.progress import place_in_month
from rating.workbench import Workbench

Counts = Collection[tuple[TallyName, int]]

_IMAGINED = "quote"
"""Message id of what was never sent. It decides nothing but ties at one millisecond."""


class Question(NamedTuple):
    """A message that might be sent."""

    account_id: str
    to: str
    """Phone number `+…`, or a business-scoped id."""
    category: str
    at_ms: int
    """When it would be delivered."""
    phone_number_id: str | None = None
    """From which business phone number; None: the conversation and the month's allowance are not looked at."""
    user_country: str | None = None
    """Of a recipient without a phone number, where the id does not tell it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the message costs in one case."""

    in_window: bool | None
    """The case: with an open window, without one; None: either way."""
    free_message_left: bool | None
    """The case: with a free message of the month left, without one; None: the allowance plays no part."""
    applies: bool | None
    """Whether this is the case, as far as it is known; None: that is not known."""
    outcome: str | None
    """`charged` or `free`; None where there is no price."""
    reason: str | None
    """None where it is another with a window than without, and that is not known."""
    currency: str
    cost_nanos: int | None
    amount_nanos: int | None
    price: PriceFound | None
    fee: Fee | None
    unpriced: Unpriced | None
    volume: VolumeNext | None = None
    """None where the rate has a single band."""


@dataclass(frozen=True, slots=True)
class VolumeNext:
    """Where the message would lie among the month's messages of its portfolio."""

    portfolio_id: str
    market: str
    family: str
    month: str
    number: int | None
    """Which message of the month it would be; None: that is not known, and the price is the first band's."""
    tier: str


@dataclass(frozen=True, slots=True)
class Quote:
    """The answer to a question."""

    account_id: str
    phone_number_id: str | None
    recipient: str
    """Masked."""
    category: str
    """As it would be rated: authentication abroad has a category of its own."""
    at_ms: int
    timezone: str | None
    date: str | None
    window_is_open: bool | None
    """None: no phone number was given."""
    window: OpenWindow | None
    missed_window: MissedWindow | None
    in_free_entry_point: bool | None
    clause: Clause | None
    market: MarketFound | None
    allowance: Standing | None
    """Where the message would stand in the month; None where the allowance plays no part, or no phone number was given."""
    depends_on_allowance: bool
    """Whether service messages of the same month that are delivered or turn up before it can change the answer."""
    answers: tuple[Answer, ...]
    """Every case that is possible, that which applies first; one where it is certain."""
    unpriced: Unpriced | None
    """Why there is no price in any case."""
    notes: tuple[str, ...] = ()
    """What a reader must know beside it, in words: what the state does not hold."""


def quote(
    state: State,
    catalog: Catalog,
    question: Question,
    *,
    allowance: int = FREE_PER_MONTH,
    window_by_sent: bool = False,
    counts: Counts | None = None,
) -> Quote:
    """What a message would cost, by a meter's state and catalog. The state is left as it is.

    `counts` is what is counted for volume bands, each tally once; None: that is not known.
    """
    scales = Scales(catalog, window_by_sent=window_by_sent)
    bench = Workbench(Scratch(state), 0)
    phone_number_id = question.phone_number_id
    case = _case(question)
    if phone_number_id is not None:
        sent = keys.moment(question.at_ms, _IMAGINED, "")
        FreeEntryPoints(conversation_of(bench, phone_number_id, case)).send(sent, None)
    known = bench.profiles(question.account_id)
    weighed = scales.weigh(bench, phone_number_id or "", case, known)
    return _answered(scales, bench, question, weighed, known, allowance, counts)


def _case(question: Question) -> Case:
    return Case(
        billed_at_ms=question.at_ms,
        account_id=question.account_id,
        user=question.to,
        recipient=question.to,
        user_country=None if question.to.startswith("+") else question.user_country,
        category=question.category,
        pricing_type=None,
        sent_at_ms=question.at_ms,
        is_reaction=False,
        message_id=_IMAGINED,
    )


def _answered(
    scales: Scales, bench: Workbench, question: Question, weighed: Weighed, known: Known | None, allowance: int, counts: Counts | None
) -> Quote:
    phone_number_id, given = question.phone_number_id, weighed.given
    is_known = phone_number_id is not None
    market = None
    if weighed.date is not None and (given is not None or weighed.reason == "no_market"):
        found = None if given is None else (given.country, given.market)
        market = market_of(scales.catalog, weighed.case, weighed.date, found)
    place = place_of(weighed) if is_known else None
    stands = None if place is None or phone_number_id is None else standing(bench, phone_number_id, place, _IMAGINED, "", allowance)
    answers = tuple(_answers(scales.catalog, weighed, known, stands, counts, is_known=is_known))
    why = None
    if weighed.reason is not None:
        why = unpriced(unrated(weighed.reason, weighed.case, category=question.category), weighed, known, scales.catalog)
    return Quote(
        account_id=question.account_id,
        phone_number_id=phone_number_id,
        recipient=masked(question.to) if market is None else market.recipient,
        category=question.category if weighed.ruling is None else weighed.ruling.category,
        at_ms=question.at_ms,
        timezone=None if known is None else known.profiles.versions[0].timezone,
        date=weighed.date,
        window_is_open=(weighed.window is not None) if is_known else None,
        window=open_window(weighed) if is_known else None,
        missed_window=missed_window(scales, bench, phone_number_id, weighed, known) if phone_number_id is not None else None,
        in_free_entry_point=weighed.in_free_entry_point if is_known else None,
        clause=clause_of(weighed),
        market=market,
        allowance=stands,
        depends_on_allowance=any(answer.free_message_left is not None for answer in answers),
        answers=answers,
        unpriced=why,
    )


def _answers(
    catalog: Catalog, weighed: Weighed, known: Known | None, stands: Standing | None, counts: Counts | None, *, is_known: bool
) -> Iterator[Answer]:
    """The possible cases; those with and without a window are one where they come to the same."""
    given, version = weighed.given, weighed.version
    if given is None or version is None:
        return
    if is_known:
        yield from _with_allowance(catalog, weighed, given, version, known, stands, counts, in_window=None)
        return
    inside, outside = (
        list(_with_allowance(catalog, weighed, given._replace(in_window=in_window), version, known, None, counts, in_window=in_window))
        for in_window in (True, False)
    )
    if [_bill(answer) for answer in inside] == [_bill(answer) for answer in outside]:
        yield from (_either_way(one, other) for one, other in zip(inside, outside, strict=True))
    else:
        yield from (*inside, *outside)


def _with_allowance(
    catalog: Catalog,
    weighed: Weighed,
    given: Circumstances,
    version: Version,
    known: Known | None,
    stands: Standing | None,
    counts: Counts | None,
    *,
    in_window: bool | None,
) -> Iterator[Answer]:
    ruling = ruling_on(given, weighed.case.account_id, version, catalog)
    cases: list[tuple[bool | None, Figures | str]] = [(None, ruling.in_allowance)]
    if ruling.beyond_allowance is not None:
        cases = [(True, ruling.in_allowance), (False, ruling.beyond_allowance)]
        if stands is not None and not stands.is_free:
            cases.reverse()
    for left, due in cases:
        applies = None if in_window is not None else True
        if left is not None:
            applies = None if stands is None else left == stands.is_free
        if isinstance(due, Figures):
            due, number = _in_its_band(due, counts)
            yield Answer(
                in_window, left, applies, due.outcome, due.reason, due.currency, due.cost_nanos, due.amount_nanos,
                price_of(catalog, due), fee_of(due, version), None, _volume_next(due, number),
            )  # fmt: skip
        else:
            why = unrated(due, weighed.case, category=ruling.category, country=given.country, market=given.market)
            yield Answer(
                in_window, left, applies, None, due, version.currency, None, None, None, None, unpriced(why, weighed, known, catalog)
            )  # fmt: skip


def _in_its_band(figures: Figures, counts: Counts | None) -> tuple[Figures, int | None]:
    """The figures at the price of the volume band in which the message would lie, and which message of the month it would be."""
    name = tally_name(figures)
    if figures.terms is None or name is None or counts is None:
        return figures, None
    number = place_in_month(counts, name)
    return in_band(figures, next(each for each in figures.terms.bands if each.tier_to is None or number <= each.tier_to)), number


def _volume_next(figures: Figures, number: int | None) -> VolumeNext | None:
    name = tally_name(figures)
    if figures.terms is None or name is None or len(figures.terms.bands) < 2:
        return None
    return VolumeNext(figures.terms.portfolio_id, figures.market, name.family, name.month, number, figures.tier or "")


def _either_way(inside: Answer, outside: Answer) -> Answer:
    """Two cases that come to the same."""
    reason = inside.reason if inside.reason == outside.reason else None
    return replace(inside, in_window=None, reason=reason, applies=True if inside.free_message_left is None else None)


def _bill(answer: Answer) -> tuple[str | None, int | None, int | None]:
    return answer.outcome, answer.cost_nanos, answer.amount_nanos
