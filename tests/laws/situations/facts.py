"""Windows, free entry points and the calendar, at their edges."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tests.laws.check import Checked
from tests.laws.situations.arrivals import opens
from tests.laws.situations.registry import a_rated_delivery, rated, situation, two_rated_deliveries, unrated
from tests.oracle.decision import Facts
from tests.oracle.free_entry_points import LENGTH as THREE_DAYS
from tests.oracle.windows import LENGTH as DAY

# Windows


def _conversation(each: Facts) -> tuple[str, str]:
    return each.delivery.key.phone_number_id, each.delivery.source.user


def _utility_after_inbound(name: str, milliseconds: int) -> None:
    """Registers: a utility message was delivered exactly so long after an inbound that opens a window."""

    def question(checked: Checked) -> bool:
        openings = {(event.phone_number_id, event.user, event.time) for event in checked.oracle.events if opens(event)}
        utilities = (each for each in rated(checked) if each.category == "utility")
        return any((*_conversation(each), each.delivery.billing_instant - milliseconds) in openings for each in utilities)

    situation(name)(question)


_utility_after_inbound("delivered as the window opens", 0)
_utility_after_inbound("delivered a millisecond before the window opens", -1)
_utility_after_inbound("delivered in the window's last millisecond", DAY - 1)
_utility_after_inbound("delivered at exactly 24 hours", DAY)


@situation("a reaction, a notice or an edit opens no window")
def _opens_none(checked: Checked) -> bool:
    silent = [event for event in checked.oracle.events if event.type == "message.received" and not opens(event)]
    return any(
        (event.phone_number_id, event.user) == _conversation(each) and event.time <= each.delivery.billing_instant < event.time + DAY
        for each in rated(checked)
        if each.category == "utility" and each.window is None
        for event in silent
    )


@situation("the window counts by sending instead of delivery")
def _by_sending(checked: Checked) -> bool:
    return checked.stream.window_basis == "sent" and any(each.category == "utility" for each in rated(checked))


# Free entry points


def _after_entry_point(name: str, milliseconds: int) -> None:
    """Registers: something was delivered exactly so long after a free entry point's end."""

    def question(checked: Checked) -> bool:
        ends = {(point.phone_number_id, point.user, point.ends_at) for point in checked.oracle.points}
        return any((*_conversation(each), each.delivery.billing_instant - milliseconds) in ends for each in rated(checked))

    situation(name)(question)


_after_entry_point("delivered in a free entry point's last millisecond", -1)
_after_entry_point("delivered as a free entry point ends", 0)


@situation("a post starts no free entry point")
def _post(checked: Checked) -> bool:
    return any(event.referral == "post" for event in checked.oracle.events)


@situation("an ad is answered too late or never")
def _unanswered(checked: Checked) -> bool:
    return len(checked.oracle.points) < sum(event.referral == "ad" for event in checked.oracle.events)


@situation("Meta's expiry shortens a free entry point")
def _shorter(checked: Checked) -> bool:
    return any(point.ends_at < point.starts_at + THREE_DAYS for point in checked.oracle.points)


@situation("Meta's expiry prolongs a free entry point")
def _longer(checked: Checked) -> bool:
    return any(point.ends_at > point.starts_at + THREE_DAYS for point in checked.oracle.points)


@situation("several free entry points in one conversation")
def _several(checked: Checked) -> bool:
    places = [(point.phone_number_id, point.user) for point in set(checked.oracle.points)]
    return len(places) > len(set(places))


@situation("the first answer is free after its free entry point")
def _first_answer_late(checked: Checked) -> bool:
    return any(
        each.delivery.key.message_id == point.first_message_id and each.delivery.billing_instant >= point.ends_at
        for each in rated(checked)
        if each.in_free_entry_point
        for point in checked.oracle.points
    )


# The calendar


def _utc(each: Facts) -> datetime:
    return datetime.fromtimestamp(each.delivery.billing_instant / 1000, UTC)


def _local(each: Facts) -> datetime:
    return _utc(each).astimezone(ZoneInfo(each.profile["timezone"]))


def _clocks_change(each: Facts) -> bool:
    return _local(each).replace(hour=0).utcoffset() != _local(each).replace(hour=23).utcoffset()


def _over_a_months_end(one: Facts, other: Facts) -> bool:
    places = one.takes_a_place and other.takes_a_place
    return places and one.allowance_counter[0] == other.allowance_counter[0] and one.date[:7] < other.date[:7]


def _two_zones(one: Facts, other: Facts) -> bool:
    same_number = one.delivery.key.phone_number_id == other.delivery.key.phone_number_id
    return same_number and one.profile["timezone"] != other.profile["timezone"]


def _two_versions(one: Facts, other: Facts) -> bool:
    return one.profile["account_id"] == other.profile["account_id"] and one.profile is not other.profile


a_rated_delivery("the local date is not the date in UTC", lambda each: each.date != f"{_utc(each):%Y-%m-%d}")
a_rated_delivery("delivered at midnight, to the millisecond", lambda each: f"{_local(each):%H%M%S%f}" == "000000000000")
a_rated_delivery("a day on which clocks change", _clocks_change)
two_rated_deliveries("an allowance on both sides of a month's end", _over_a_months_end)
two_rated_deliveries("two zones on one phone number", _two_zones)
two_rated_deliveries("both rulebooks in one stream", lambda one, other: one.rulebook < other.rulebook)
two_rated_deliveries("two versions of a profile", _two_versions)
unrated("before the first rulebook", "no_rulebook")


@situation("no version of the profile is in force yet")
def _no_version_yet(checked: Checked) -> bool:
    known = {profile["account_id"] for profile in checked.stream.profiles}
    return any(each.reason == "unknown_account" and each.account_id in known for each in checked.oracle.unrated.values())
