"""Events against each other: what arrived before what, and what took another's place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from tests.laws.check import Checked
from tests.laws.driver import Run
from tests.laws.situations.registry import situation
from tests.oracle.reading import Event, RejectedError, read_event


def arrivals(run: Run) -> tuple[Event, ...]:
    """The events of a run in the order of arrival."""
    return _read(run.stream.records)


@lru_cache(maxsize=4)
def _read(records: tuple[bytes, ...]) -> tuple[Event, ...]:
    events = []
    for raw in records:
        try:
            events.append(read_event(raw))
        except RejectedError:
            continue
    return tuple(events)


def opens(event: Event) -> bool:
    """Whether an inbound opens a window."""
    return event.type == "message.received" and event.kind not in ("reaction", "system") and not event.edited


def _replaced(run: Run) -> Iterator[tuple[Event, Event]]:
    """Pairs of an event and the one that took its place: the same identity, an earlier time, a later arrival."""
    known: dict[tuple[str, str, str | None, str], Event] = {}
    for event in arrivals(run):
        identity = (event.phone_number_id, event.message_id, event.participant, event.type)
        before = known.get(identity)
        if before is None or (event.time, event.id, event.canonical) < (before.time, before.id, before.canonical):
            if before is not None:
                yield before, event
            known[identity] = event


def _takes_its_place(name: str, holds: Callable[[Event, Event], bool]) -> None:
    """Registers: in some run an event took another's place in this way."""
    situation(name)(lambda checked: any(holds(old, new) for run in checked.runs for old, new in _replaced(run)))


def _is_reaction(event: Event) -> bool:
    return event.kind == "reaction"


BILLS = ("message.delivered", "message.read")
SENT = "message.sent"
_takes_its_place("an inbound moves", lambda old, new: opens(old) and opens(new) and old.time != new.time)
_takes_its_place("an inbound turns out to be none", lambda old, new: opens(old) and not opens(new))
_takes_its_place("an inbound turns out to be one", lambda old, new: old.type == new.type and not opens(old) and opens(new))
_takes_its_place("an inbound changes its conversation", lambda old, new: opens(old) and opens(new) and old.user != new.user)
_takes_its_place("a referral moves or turns out to be none", lambda old, _: old.referral == "ad")
_takes_its_place("a sent moves", lambda old, new: old.type == SENT and old.time != new.time)
_takes_its_place("a sent changes its conversation", lambda old, new: old.type == SENT and old.user != new.user)
_takes_its_place("a sent changes its account", lambda old, new: old.type == SENT and old.account_id != new.account_id)
_takes_its_place("a sent changes its category", lambda old, new: old.type == SENT and old.category != new.category)
_takes_its_place("a sent turns into a reaction or back", lambda old, new: old.type == SENT and _is_reaction(old) is not _is_reaction(new))
_takes_its_place("a billing instant moves", lambda old, new: old.type in BILLS and old.time != new.time)
_takes_its_place("one time, two ids", lambda old, new: old.time == new.time and old.id != new.id)
_takes_its_place("one time, one id, two contents", lambda old, new: (old.time, old.id) == (new.time, new.id))


def _referral_and_answer(checked: Checked, *, referral_first: bool) -> bool:
    for run in checked.runs:
        first: dict[tuple[str, str, str], int] = {}
        for at, event in enumerate(arrivals(run)):
            if event.type == SENT or event.referral == "ad":
                first.setdefault((event.type, event.phone_number_id, event.user), at)
        for point in checked.oracle.points:
            referral = first.get(("message.received", point.phone_number_id, point.user))
            answer = first.get((SENT, point.phone_number_id, point.user))
            if referral is not None and answer is not None and (referral < answer) is referral_first:
                return True
    return False


@situation("a referral arrives before its sent")
def _referral_before(checked: Checked) -> bool:
    return _referral_and_answer(checked, referral_first=True)


@situation("a referral arrives after its sent")
def _referral_after(checked: Checked) -> bool:
    return _referral_and_answer(checked, referral_first=False)


@situation("delivered arrives before sent")
def _delivered_first(checked: Checked) -> bool:
    for run in checked.runs:
        delivered: set[tuple[str, str]] = set()
        for event in arrivals(run):
            message = (event.phone_number_id, event.message_id)
            if event.type == SENT and message in delivered:
                return True
            if event.type == "message.delivered":
                delivered.add(message)
    return False
