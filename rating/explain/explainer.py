"""Why a message costs what it costs: every fact that its price rests on, put together from the state of the meter that rated it.

What is due is read from the published line. What led to it is asked again of the code that decides (`weighing.py`), never worked
out in another way. Sentences are the matter of `words.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rating import keys
from rating.allowance import FREE_PER_MONTH
from rating.catalog import Catalog
from rating.decision import META_OUTCOMES, ruling_on
from rating.explain.facts import DeliveryFacts, Due, Explanation, InboundFacts, MetaWord, Seen, Standing, Status
from rating.explain.history import Arrival, History, seen, seen_inbound
from rating.explain.masks import masked
from rating.explain.price import fee_of, market_of, price_of
from rating.explain.sources import MESSAGE, sources
from rating.explain.surroundings import (
    clause_of,
    free_entry_point,
    missed_window,
    open_window,
    place_of,
    standing,
    window_end_ms,
)
from rating.explain.unrated import unpriced
from rating.explain.volume import settled, volume_of
from rating.explain.weighing import Scales, Weighed
from rating.ids import delivery_id, line_id
from rating.life import case_of
from rating.lines import CHARGE
from rating.profiles import Known
from rating.records import Delivery, Figures, decode_delivery, decode_figures, decode_inbound
from rating.rulebooks import CHARGED
from rating.stage import PREFIX_BYTES, State
from rating.workbench import Workbench


class Explainer:
    """Explains messages by the state of a meter with the same catalog and settings. It reads the state and never writes to it."""

    def __init__(self, catalog: Catalog, *, allowance: int = FREE_PER_MONTH, window_by_sent: bool = False) -> None:
        self._catalog = catalog
        self._allowance = allowance
        self._scales = Scales(catalog, window_by_sent=window_by_sent)

    def message(self, state: State, history: History, read_from: str) -> Explanation:
        """Everything about the message that a history watched. The history must be of the run that made the state."""
        bench = Workbench(state, 0)
        deliveries = tuple(self._delivery(bench, each, history) for each in _billable(bench, history))
        inbound = tuple(_inbound(bench, history))
        seen_at_all = deliveries or inbound
        return Explanation(
            message_id=history.message_id,
            phone_number_id=history.phone_number_id if seen_at_all else None,
            deliveries=deliveries,
            inbound=inbound,
            refused=tuple(history.refused),
            records_read=history.records,
            read_from=read_from,
        )

    def _delivery(self, bench: Workbench, delivery: Delivery, history: History) -> DeliveryFacts:
        message = bench.message_of(delivery)
        case = case_of(delivery, message)
        gave = sources(delivery, message)
        arrivals = history.arrivals(delivery.participant)
        events = seen(arrivals, delivery, gave)
        if message is not None:
            spoken = {"sent": gave.get(MESSAGE, ())}
            events = _in_order(events + seen(_sent_of(history.arrivals("")), message, spoken))
        recipient = delivery.participant or delivery.user
        facts = DeliveryFacts(
            delivery_id=delivery_id(delivery.phone_number_id, delivery.message_id, delivery.participant),
            status="not delivered",
            account_id=delivery.account_id,
            timezone=_zone(bench.profiles(delivery.account_id)),
            recipient=masked(recipient),
            of_group=delivery.user.startswith("group:"),
            category=None if delivery.sent is None else delivery.sent.category,
            billed_at_ms=None,
            date=None,
            events=events,
            window_basis="sent" if self._scales.window_by_sent else "delivered",
            history=history.published(delivery.participant),
        )
        if case is None:
            return facts
        figures = _figures(bench, delivery)
        known = _profiles(bench, delivery, figures, case.account_id)
        weighed = self._scales.weigh(bench, delivery.phone_number_id, case, known)
        return self._with_reasons(bench, replace(facts, account_id=case.account_id), delivery, weighed, figures, known)

    def _with_reasons(
        self, bench: Workbench, facts: DeliveryFacts, delivery: Delivery, weighed: Weighed, figures: Figures | None, known: Known | None
    ) -> DeliveryFacts:
        case, given = weighed.case, weighed.given
        market = None
        if weighed.date is not None and (given is not None or weighed.reason == "no_market"):
            market = market_of(self._catalog, case, weighed.date, None if given is None else (given.country, given.market))
        clause = clause_of(weighed)
        place = place_of(weighed)
        phone_number_id = delivery.phone_number_id
        volume = None if figures is None else volume_of(bench.state, figures)
        if figures is not None:
            figures = settled(figures, volume)
        allowance = None
        if place is not None:
            allowance = standing(bench, phone_number_id, place, delivery.message_id, delivery.participant, self._allowance)
        return replace(
            facts,
            status=_status(delivery, figures),
            timezone=_zone(known),
            recipient=facts.recipient if market is None else market.recipient,
            category=case.category,
            billed_at_ms=case.billed_at_ms,
            date=weighed.date,
            window=open_window(weighed),
            missed_window=missed_window(self._scales, bench, phone_number_id, weighed, known),
            window_matters=clause is not None and clause.inside != clause.outside,
            free_entry_point=free_entry_point(bench, phone_number_id, weighed),
            is_reaction=case.is_reaction,
            clause=clause,
            market=market,
            price=None if figures is None else price_of(self._catalog, figures),
            fee=None if figures is None else fee_of(figures, weighed.version),
            volume=volume,
            due=None if figures is None else _due(facts.delivery_id, delivery.revision, figures),
            unpriced=None if delivery.unrated is None else unpriced(delivery.unrated, weighed, known, self._catalog),
            voided=None if delivery.voided is None else delivery.voided.reason,
            waits_until_ms=delivery.wait_until_ms,
            allowance=allowance,
            meta=self._meta(weighed, figures, allowance),
        )

    def _meta(self, weighed: Weighed, figures: Figures | None, allowance: Standing | None) -> MetaWord | None:
        """Meta's word, and what our own verdict is without it."""
        word = weighed.case.pricing_type
        if word is None:
            return None
        outcome = META_OUTCOMES.get(word)
        agrees = None if figures is None else figures.meta_agrees
        if weighed.given is None or weighed.version is None:
            return MetaWord(word, outcome, agrees, None, None, None)
        ours = ruling_on(weighed.given._replace(pricing_type=None), weighed.case.account_id, weighed.version, self._catalog)
        own = ours.in_allowance
        if ours.beyond_allowance is not None and allowance is not None and not allowance.is_free:
            own = ours.beyond_allowance
        if isinstance(own, str):
            return MetaWord(word, outcome, agrees, None, own, None)
        return MetaWord(word, outcome, agrees, own.outcome, own.reason, own.cost_nanos)


def _billable(bench: Workbench, history: History) -> Iterator[Delivery]:
    """The deliveries of a message: one, or one for each member of a group that an event has named."""
    found = [decode_delivery(value) for _, value in bench.state.range(keys.message_bucket(history.phone_number_id, history.message_id))]
    members = [each for each in found if each.participant]
    yield from members or found


def _inbound(bench: Workbench, history: History) -> Iterator[InboundFacts]:
    bucket = keys.inbound(history.phone_number_id, history.message_id, "")
    for key, value in bench.state.range(bucket):
        inbound = decode_inbound(value)
        participant = key[PREFIX_BYTES:].decode()
        arrivals = [each for each in history.received() if (each.event.participant or "") == participant]
        entries = bench.leaves.of(keys.conversation(history.phone_number_id, inbound.user))
        until_ms = window_end_ms(entries, inbound.time_ms) if inbound.opens_window else None
        yield InboundFacts(inbound.time_ms, inbound.opens_window, inbound.ad_referral, until_ms, seen_inbound(arrivals, inbound))


def _figures(bench: Workbench, delivery: Delivery) -> Figures | None:
    if delivery.charge is None:
        return None
    encoded = bench.state.get(keys.FIGURES + delivery.charge.figures)
    if encoded is None:
        raise AssertionError("a line in force without its figures")
    return decode_figures(encoded)


def _profiles(bench: Workbench, delivery: Delivery, figures: Figures | None, account_id: str) -> Known | None:
    """The profiles that it was rated with, else those known now."""
    name = delivery.profiles if figures is None else figures.profiles
    kept = None if name is None else bench.kept_profiles(name)
    return kept if kept is not None and kept.profiles.account_id == account_id else bench.profiles(account_id)


def _status(delivery: Delivery, figures: Figures | None) -> Status:
    if figures is not None:
        return "charged" if figures.outcome == CHARGED else "free"
    if delivery.voided is not None:
        return "voided"
    return "waiting" if delivery.unrated is None else "unrated"


def _due(identity: str, revision: int, figures: Figures) -> Due:
    return Due(
        revision=revision,
        line_id=line_id(identity, revision, CHARGE),
        outcome=figures.outcome,
        reason=figures.reason,
        category=figures.category,
        date=figures.date,
        currency=figures.currency,
        cost_nanos=figures.cost_nanos,
        amount_nanos=figures.amount_nanos,
    )


def _zone(known: Known | None) -> str | None:
    return None if known is None else known.profiles.versions[0].timezone


def _sent_of(arrivals: list[Arrival]) -> list[Arrival]:
    return [each for each in arrivals if each.event.type == "message.sent"]


def _in_order(events: tuple[Seen, ...]) -> tuple[Seen, ...]:
    return tuple(sorted(events, key=lambda each: each.time_ms))
