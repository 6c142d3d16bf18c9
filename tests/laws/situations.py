"""Named situations: a law that was never tried in one of them proves nothing about it.

Each is a question about one checked stream. The run counts how many streams answer yes, prints the table and fails where too few do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tests.laws.check import Checked
from tests.laws.driver import Run
from tests.oracle.decision import Facts
from tests.oracle.final_set import Delivery
from tests.oracle.prices import Catalog, amount_of, read_catalog
from tests.oracle.reading import Event, RejectedError, read_event
from tests.oracle.windows import LENGTH as DAY
from tests.streams_generator.catalog import CATALOG

THREE_DAYS = 3 * DAY
Question = Callable[[Checked], bool]
SITUATIONS: dict[str, Question] = {}


def situation(name: str) -> Callable[[Question], Question]:
    """Registers a question under the situation's name."""

    def register(question: Question) -> Question:
        SITUATIONS[name] = question
        return question

    return register


def of_stream(checked: Checked) -> list[str]:
    """The situations that a stream was in."""
    return [name for name, question in SITUATIONS.items() if question(checked)]


# What is published, step by step


def reasons(run: Run) -> Iterator[list[str]]:
    """Of each delivery the reasons of its charges, in the order they were published."""
    for lines in run.watch.lines.values():
        yield [line["reason"] for line in lines if line["kind"] == "charge"]


def ever(checked: Checked, *wanted: str) -> bool:
    """Whether some delivery's lines said this, one directly after the other."""
    return any(
        tuple(said[at : at + len(wanted)]) == wanted for run in checked.runs for said in reasons(run) for at in range(len(said) - len(wanted) + 1)
    )


SITUATIONS["a late inbound reverses a charge"] = lambda c: ever(c, "outside_window", "in_window")
SITUATIONS["an inbound taken back charges what was free"] = lambda c: ever(c, "in_window", "outside_window")
SITUATIONS["a unit is displaced from the allowance"] = lambda c: ever(c, "allowance", "allowance_used")
SITUATIONS["a unit returns to the allowance"] = lambda c: ever(c, "allowance_used", "allowance")
SITUATIONS["a unit returns after displacement"] = lambda c: ever(c, "allowance", "allowance_used", "allowance")
SITUATIONS["a late free entry point reverses"] = lambda c: any(
    "free_entry_point" in said[1:] for run in c.runs for said in reasons(run)
)
SITUATIONS["a line becomes unrated"] = lambda c: any(
    run.watch.lines.get(delivery) for run in c.runs for delivery in run.watch.unrated
)
SITUATIONS["an unrated delivery is mended"] = lambda c: any(
    delivery in run.watch.live for run in c.runs for delivery in run.watch.was_unrated
)
SITUATIONS["a late profile rates what waited"] = lambda c: any(
    "unknown_account" in said and delivery in run.watch.live for run in c.runs for delivery, said in run.watch.was_unrated.items()
)
SITUATIONS["a message is corrected three times"] = lambda c: any(len(said) > 3 for run in c.runs for said in reasons(run))
SITUATIONS["interrupted with work left"] = lambda c: any(run.restarted and run.was_unfinished for run in c.runs)
SITUATIONS["rejected records between"] = lambda c: bool(c.oracle.rejected)


# Events against each other, by arrival


def arrivals(run: Run) -> list[Event]:
    """The events of a run in the order of arrival."""
    events = []
    for raw in run.stream.records:
        try:
            events.append(read_event(raw))
        except RejectedError:
            continue
    return events


def replaced(run: Run) -> Iterator[tuple[Event, Event]]:
    """Pairs of an event and the one that took its place: the same identity, an earlier time, a later arrival."""
    known: dict[tuple[str, str, str | None, str], Event] = {}
    for event in arrivals(run):
        identity = (event.phone_number_id, event.message_id, event.participant, event.type)
        before = known.get(identity)
        if before is None or (event.time, event.id, event.canonical) < (before.time, before.id, before.canonical):
            if before is not None:
                yield before, event
            known[identity] = event


def opens(event: Event) -> bool:
    """Whether an inbound opens a window."""
    return event.type == "message.received" and event.kind not in ("reaction", "system") and not event.edited


def any_replaced(checked: Checked, holds: Callable[[Event, Event], bool]) -> bool:
    """Whether in some run an event took another's place in this way."""
    return any(holds(old, new) for run in checked.runs for old, new in replaced(run))


SITUATIONS["an inbound moves"] = lambda c: any_replaced(c, lambda old, new: opens(old) and opens(new) and old.time != new.time)
SITUATIONS["an inbound turns out to be none"] = lambda c: any_replaced(c, lambda old, new: opens(old) and not opens(new))
SITUATIONS["an inbound changes its conversation"] = lambda c: any_replaced(
    c, lambda old, new: opens(old) and opens(new) and old.user != new.user
)
SITUATIONS["a sent changes its conversation"] = lambda c: any_replaced(
    c, lambda old, new: old.type == "message.sent" and old.user != new.user
)
SITUATIONS["a message changes its account"] = lambda c: any_replaced(
    c, lambda old, new: old.type == "message.sent" and old.account_id != new.account_id
)
SITUATIONS["a billing instant moves"] = lambda c: any_replaced(
    c, lambda old, new: old.type in ("message.delivered", "message.read") and old.time != new.time
)
SITUATIONS["a category changes late"] = lambda c: any_replaced(
    c, lambda old, new: old.type == "message.sent" and old.category != new.category
)
SITUATIONS["a referral moves or turns out to be none"] = lambda c: any_replaced(c, lambda old, _: old.referral == "ad")
SITUATIONS["one time, two ids"] = lambda c: any_replaced(c, lambda old, new: old.time == new.time and old.id != new.id)
SITUATIONS["one time, one id, two contents"] = lambda c: any_replaced(c, lambda old, new: (old.time, old.id) == (new.time, new.id))


def referral_and_answer(checked: Checked, *, referral_first: bool) -> bool:
    """Whether some free entry point's referral arrived before (or after) the sent that answers it."""
    for run in checked.runs:
        order = arrivals(run)
        for point in checked.oracle.points:
            answer = _first_at(order, "message.sent", point.phone_number_id, point.user)
            referral = _first_at(order, "message.received", point.phone_number_id, point.user)
            if answer is not None and referral is not None and (referral < answer) is referral_first:
                return True
    return False


def _first_at(order: Sequence[Event], type_: str, phone: str, user: str) -> int | None:
    places = [
        at
        for at, event in enumerate(order)
        if (event.type, event.phone_number_id, event.user) == (type_, phone, user) and (type_ == "message.sent" or event.referral == "ad")
    ]
    return places[0] if places else None


SITUATIONS["referral arrives before its sent"] = lambda c: referral_and_answer(c, referral_first=True)
SITUATIONS["referral arrives after its sent"] = lambda c: referral_and_answer(c, referral_first=False)


@situation("delivered arrives before sent")
def _delivered_first(checked: Checked) -> bool:
    for run in checked.runs:
        seen: set[tuple[str, str]] = set()
        for event in arrivals(run):
            if event.type == "message.delivered":
                seen.add((event.phone_number_id, event.message_id))
            elif event.type == "message.sent" and (event.phone_number_id, event.message_id) in seen:
                return True
    return False


# Facts of the final set


def facts(checked: Checked) -> Iterator[Facts]:
    """The deliveries that can be rated."""
    yield from checked.oracle.facts.values()


def lines(checked: Checked, **wanted: object) -> bool:
    """Whether some line in force has these fields."""
    return any(all(getattr(line, name) == value for name, value in wanted.items()) for line in checked.oracle.lines.values())


def unrated(checked: Checked, reason: str) -> bool:
    """Whether some delivery is unrated for this reason."""
    return any(each.reason == reason for each in checked.oracle.unrated.values())


def delivered_after(checked: Checked, milliseconds: int) -> bool:
    """Whether a utility message was delivered exactly so long after an inbound that opens a window."""
    openings = {(event.phone_number_id, event.user, event.time) for event in checked.oracle.events if opens(event)}
    return any(
        (each.delivery.key.phone_number_id, each.delivery.source.user, each.delivery.billing_instant - milliseconds) in openings
        for each in facts(checked)
        if each.category == "utility"
    )


SITUATIONS["delivered as the window opens"] = lambda c: delivered_after(c, 0)
SITUATIONS["delivered in the window's last millisecond"] = lambda c: delivered_after(c, DAY - 1)
SITUATIONS["delivered at exactly 24 hours"] = lambda c: delivered_after(c, DAY)


@situation("a reaction, a notice or an edit opens no window")
def _opens_none(checked: Checked) -> bool:
    silent = [event for event in checked.oracle.events if event.type == "message.received" and not opens(event)]
    return any(
        each.window is None and (event.phone_number_id, event.user) == (each.delivery.key.phone_number_id, each.delivery.source.user)
        for each in facts(checked)
        for event in silent
        if each.category == "utility" and event.time <= each.delivery.billing_instant < event.time + DAY
    )


def entry_point_edge(checked: Checked, milliseconds: int) -> bool:
    """Whether something was delivered exactly so long after some free entry point's end."""
    ends = {(point.phone_number_id, point.user, point.ends_at) for point in checked.oracle.points}
    return any(
        (each.delivery.key.phone_number_id, each.delivery.source.user, each.delivery.billing_instant - milliseconds) in ends
        for each in facts(checked)
    )


SITUATIONS["delivered in a free entry point's last millisecond"] = lambda c: entry_point_edge(c, -1)
SITUATIONS["delivered as a free entry point ends"] = lambda c: entry_point_edge(c, 0)
SITUATIONS["a post starts no free entry point"] = lambda c: any(event.referral == "post" for event in c.oracle.events)
SITUATIONS["an ad answered too late or never"] = lambda c: len(c.oracle.points) < sum(event.referral == "ad" for event in c.oracle.events)
SITUATIONS["Meta's expiry ends a free entry point early"] = lambda c: any(
    point.ends_at < point.starts_at + THREE_DAYS for point in c.oracle.points
)
SITUATIONS["Meta's expiry prolongs a free entry point"] = lambda c: any(
    point.ends_at > point.starts_at + THREE_DAYS for point in c.oracle.points
)
SITUATIONS["several free entry points in one conversation"] = lambda c: any(
    a.user == b.user and a.phone_number_id == b.phone_number_id and a.starts_at != b.starts_at for a in c.oracle.points for b in c.oracle.points
)


@situation("the first answer is free after its free entry point")
def _first_answer_late(checked: Checked) -> bool:
    return any(
        each.in_free_entry_point and each.delivery.key.message_id == point.first_message_id and each.delivery.billing_instant >= point.ends_at
        for each in facts(checked)
        for point in checked.oracle.points
    )


def local(each: Facts) -> datetime:
    """The billing instant on the account's own clock."""
    return datetime.fromtimestamp(each.delivery.billing_instant / 1000, ZoneInfo(each.profile["timezone"]))


SITUATIONS["the local date is not the date in UTC"] = lambda c: any(
    each.date != f"{datetime.fromtimestamp(each.delivery.billing_instant / 1000, UTC):%Y-%m-%d}" for each in facts(c)
)
SITUATIONS["delivered at midnight, to the millisecond"] = lambda c: any(f"{local(each):%H%M%S%f}" == "000000000000" for each in facts(c))
SITUATIONS["one allowance over a month's end"] = lambda c: any(
    a.allowance_counter[0] == b.allowance_counter[0] and a.date[:7] < b.date[:7]
    for a in facts(c)
    for b in facts(c)
    if a.takes_a_place and b.takes_a_place
)
SITUATIONS["a day on which clocks change"] = lambda c: any(
    local(each).replace(hour=0).utcoffset() != local(each).replace(hour=23).utcoffset() for each in facts(c)
)
SITUATIONS["two zones on one phone number"] = lambda c: any(
    a.delivery.key.phone_number_id == b.delivery.key.phone_number_id and a.profile["timezone"] != b.profile["timezone"]
    for a in facts(c)
    for b in facts(c)
)
SITUATIONS["both rulebooks in one stream"] = lambda c: len({each.rulebook for each in facts(c)}) == 2
SITUATIONS["before the first rulebook"] = lambda c: unrated(c, "no_rulebook")
SITUATIONS["two versions of a profile"] = lambda c: any(
    a.profile["account_id"] == b.profile["account_id"] and a.profile is not b.profile for a in facts(c) for b in facts(c)
)
SITUATIONS["no version of a profile yet"] = lambda c: any(
    each.reason == "unknown_account" and each.account_id in {profile["account_id"] for profile in c.stream.profiles}
    for each in c.oracle.unrated.values()
)


# Deliveries and their recipients


def deliveries(checked: Checked, holds: Callable[[Delivery], bool]) -> bool:
    """Whether some delivery is like this."""
    return any(holds(delivery) for delivery in checked.oracle.deliveries)


def rated_to(checked: Checked, holds: Callable[[Delivery], bool]) -> bool:
    """Whether some delivery that can be rated is like this."""
    return any(holds(each.delivery) for each in facts(checked))


SITUATIONS["a group, member by member"] = lambda c: deliveries(c, lambda d: d.source.user.startswith("group:"))
SITUATIONS["a member's own sent beside the message's"] = lambda c: any(
    d.own_sent and any(e.type == "message.sent" and e.message_id == d.key.message_id and e.participant is None for e in c.oracle.events)
    for d in c.oracle.deliveries
    if d.key.participant
)
SITUATIONS["a group message shares the allowance"] = lambda c: any(each.takes_a_place and each.delivery.key.participant for each in facts(c))
SITUATIONS["a hidden phone, country from an event"] = lambda c: rated_to(c, lambda d: d.recipient[0] != "+" and d.user_country is not None)
SITUATIONS["a hidden phone, country from its id"] = lambda c: rated_to(c, lambda d: d.recipient[0] != "+" and d.user_country is None)
SITUATIONS["a hidden phone without a market"] = lambda c: unrated(c, "no_market")
SITUATIONS["a shared prefix, told apart"] = lambda c: lines(c, market="North America", country="CA") or lines(c, country="US")
SITUATIONS["a shared prefix that nobody tells apart"] = lambda c: lines(c, market="North America", country=None)
SITUATIONS["a longer prefix of another market"] = lambda c: lines(c, country="JM")
SITUATIONS["an unlisted country"] = lambda c: lines(c, market="Other", country=None)
SITUATIONS["a country that changed its market"] = lambda c: any(line.country in ("KZ", "PL", "TM") for line in c.oracle.lines.values())
SITUATIONS["read without delivered"] = lambda c: deliveries(c, lambda d: d.delivered is None)
SITUATIONS["read before delivered"] = lambda c: deliveries(c, lambda d: bool(d.read and d.delivered and d.read.time < d.delivered.time))
SITUATIONS["failed beside delivered"] = lambda c: deliveries(c, lambda d: d.failed is not None)
SITUATIONS["a category from Meta's pricing"] = lambda c: rated_to(
    c, lambda d: all(event is None or event.category is None for event in (d.sent, d.delivered, d.read))
)
SITUATIONS["several categories that differ"] = lambda c: rated_to(
    c, lambda d: len({event.category for event in (d.sent, d.delivered, d.read) if event and event.category}) > 1
)
SITUATIONS["one message id on two numbers"] = lambda c: any(
    a.key.message_id == b.key.message_id and a.key.phone_number_id < b.key.phone_number_id
    for a in c.oracle.deliveries
    for b in c.oracle.deliveries
)


# The decision


SITUATIONS["Meta charges what we would not"] = lambda c: lines(c, outcome="charged", reason="meta_pricing")
SITUATIONS["Meta frees what we would charge"] = lambda c: lines(c, outcome="free", reason="meta_pricing")
SITUATIONS["Meta agrees"] = lambda c: any(line.meta is not None and line.meta[1] for line in c.oracle.lines.values())
SITUATIONS["several of Meta's types that differ"] = lambda c: deliveries(
    c, lambda d: len({event.pricing_type for event in (d.sent, d.delivered, d.read) if event and event.pricing_type}) > 1
)
SITUATIONS["free by Meta's word beyond the allowance"] = lambda c: any(
    line.category == "service" and line.rulebook == "2026-10-01" and line.meta == ("free_customer_service", False)
    for line in c.oracle.lines.values()
)
SITUATIONS["measured against the allowance, taking no place"] = lambda c: any(
    each.category == "service" and each.rulebook == "2026-10-01" and each.delivery.pricing_type == "regular" and not each.in_free_entry_point
    for each in facts(c)
)
SITUATIONS["an unknown word of Meta's"] = lambda c: unrated(c, "unknown_pricing")
SITUATIONS["an unknown category"] = lambda c: unrated(c, "unknown_category")
SITUATIONS["no category at all"] = lambda c: unrated(c, "no_category")
SITUATIONS["no rate"] = lambda c: unrated(c, "no_rate")
SITUATIONS["a business's reaction is free"] = lambda c: lines(c, reason="reaction")
SITUATIONS["authentication becomes international"] = lambda c: any(
    each.category == "authentication_international" and each.delivery.category == "authentication" for each in facts(c)
)
SITUATIONS["a utility message in the window is charged since 2026"] = lambda c: lines(c, outcome="charged", reason="in_window")
SITUATIONS["a price of 0 is charged"] = lambda c: any(line.outcome == "charged" and line.cost == 0 for line in c.oracle.lines.values())
SITUATIONS["service at the price of utility"] = lambda c: any(
    line.category == "service" and line.outcome == "charged" and line.market in ("United Kingdom", "Brazil", "Other")
    for line in c.oracle.lines.values()
)
SITUATIONS["window by sending instead of delivery"] = lambda c: c.stream.window_basis == "sent" and any(
    each.category == "utility" for each in facts(c)
)


@situation("a fee that is rounded half up")
def _half_up(checked: Checked) -> bool:
    catalog: Catalog = read_catalog(CATALOG)
    for key, line in checked.oracle.lines.items():
        fee = checked.oracle.facts[key].profile.get("fee")
        if line.outcome != "charged" or fee is None or not catalog.card_rows:
            continue
        finer = {**fee, "decimals": min(9, int(fee.get("decimals", 4)) + 4)}
        if amount_of(line.cost, fee) != amount_of(line.cost, finer):
            return True
    return False
