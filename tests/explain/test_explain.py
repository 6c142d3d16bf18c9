"""What an explanation says where the goldens have no story: waits, late profiles, reactions, authentication abroad, other window basis."""

from __future__ import annotations

from typing import Any

import pytest

from rating.explain.explainer import Explainer
from rating.explain.facts import DeliveryFacts, Explanation
from rating.explain.history import History
from rating.explain.words import tell
from rating.stage import Effects, Record, Tick
from tests.rating.taxi import ACCOUNT, CATALOG, PHONE, PROFILE, Taxi, ms


class Watched(Taxi):
    """A meter on a table with someone who watches one message."""

    def __init__(self, message_id: str = "wamid.A", **settings: Any) -> None:
        self.history = History(PHONE, message_id, where=lambda record: f"record {record.offset}")
        self.explainer = Explainer(CATALOG, window_by_sent=settings.get("window_basis") == "sent")
        super().__init__(**settings)

    def step(self, *batch: Record | Tick) -> Effects:
        effects = super().step(*batch)
        (item,) = batch
        self.history.saw(item, effects.outputs)
        return effects

    def explained(self) -> Explanation:
        return self.explainer.message(self.state, self.history, "the log")

    def delivery(self) -> DeliveryFacts:
        (found,) = self.explained().deliveries
        return found

    def told(self) -> str:
        return " ".join(" ".join(tell(self.explained())).split())


def test_a_message_waits_for_its_category_and_says_until_when() -> None:
    taxi = Watched()
    taxi.event("delivered", "2026-01-05T09:00:00Z", "wamid.A")
    assert (taxi.delivery().status, taxi.delivery().waits_until_ms) == ("waiting", ms("2026-01-05T10:00:00Z"))
    assert "wamid.A: waits for its category" in taxi.told()
    assert "It waits for its message.sent event until 5 January 2026 at 11:00:00 by the number's clock." in taxi.told()
    taxi.tick(0, end_of_input=True)
    assert taxi.delivery().status == "unrated"
    assert "1. unrated: no_category, after the wait for its category" in taxi.told()
    taxi.event("sent", "2026-01-05T08:59:00Z", "wamid.A", category="utility")
    assert [each.kind for each in taxi.delivery().history] == ["unrated", "charge", "mended"]
    assert "3. no longer unrated, after its sent event of 2026-01-05 09:59:00 (record 2)" in taxi.told()


def test_a_profile_that_comes_late_is_the_cause_of_the_first_line() -> None:
    taxi = Watched(profiles=())
    taxi.event("delivered", "2026-01-05T09:00:00Z", "wamid.A", category="utility")
    taxi.profile(PROFILE)
    assert [(each.kind, each.cause.kind) for each in taxi.delivery().history] == [
        ("unrated", "own event"),
        ("charge", "profile"),
        ("mended", "profile"),
    ]


def test_a_profile_that_begins_after_the_delivery_is_told() -> None:
    taxi = Watched(profiles=({**PROFILE, "effective_from": "2026-02-01"},))
    taxi.event("delivered", "2026-01-05T09:00:00Z", "wamid.A", category="utility")
    assert f"the profile of account {ACCOUNT} begins on 2026-02-01, after the message was delivered" in taxi.told()


def test_a_reaction_is_free_because_it_is_one() -> None:
    taxi = Watched()
    taxi.event("sent", "2026-10-05T09:00:00Z", "wamid.A", category="service", kind="reaction")
    taxi.event("delivered", "2026-10-05T09:00:01Z", "wamid.A")
    assert taxi.delivery().events[0].gave == ("category", "account", "conversation", "that it is a reaction")
    assert "reactions are free" in taxi.told()


def test_authentication_abroad_is_explained_by_its_own_category_and_the_country_that_an_event_tells() -> None:
    profile = {**PROFILE, "authentication_international": {"business_country": "FR", "from": {"IN": "2026-03-01"}}}
    taxi = Watched(profiles=(profile,))
    taxi.event("sent", "2026-10-05T09:00:00Z", "wamid.A", category="authentication", user="IN.1234", user_country="IN")
    taxi.event("delivered", "2026-10-05T09:00:01Z", "wamid.A", user="IN.1234")
    delivery = taxi.delivery()
    assert delivery.due is not None
    assert delivery.price is not None
    assert delivery.market is not None
    assert (delivery.category, delivery.due.category) == ("authentication", "authentication_international")
    assert delivery.price.printed_for == "authentication_international"
    assert (delivery.recipient, delivery.market.by, delivery.market.country) == ("IN.…", "user_country", "IN")
    assert "country" in delivery.events[0].gave


def test_where_windows_count_from_sending_the_miss_is_told_from_sending() -> None:
    taxi = Watched(window_basis="sent")
    taxi.event("received", "2026-01-05T09:00:00Z", "wamid.I")
    taxi.event("sent", "2026-01-06T09:05:00Z", "wamid.A", category="utility")
    taxi.event("delivered", "2026-01-06T09:30:00Z", "wamid.A")
    missed = taxi.delivery().missed_window
    assert missed is not None
    assert (missed.missed_by_ms, missed.free_if_earlier) == (5 * 60_000, True)
    assert "Sent more than 5 min earlier, it would have been free." in taxi.told()


def test_a_message_to_a_group_that_reached_nobody_yet_is_one_without_deliveries() -> None:
    taxi = Watched()
    taxi.event("sent", "2026-01-05T09:00:00Z", "wamid.A", category="utility", user="group:family")
    assert (taxi.delivery().status, taxi.delivery().recipient) == ("not delivered", "group:…")


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [("text", "that window closes on 6 January 2026 at 20:00:00 (UTC)"), ("reaction", "It opened no window")],
)
def test_a_message_of_the_customer_is_never_charged_and_may_open_a_window(kind: str, sentence: str) -> None:
    taxi = Watched("wamid.I")
    taxi.event("received", "2026-01-05T09:00:00Z", "wamid.I", kind=kind)
    taxi.event("received", "2026-01-05T20:00:00Z", "wamid.J")
    assert "wamid.I: from the customer, never charged" in taxi.told()
    assert sentence in taxi.told()


def test_a_shared_prefix_is_told_with_what_the_rest_of_the_number_says() -> None:
    taxi = Watched()
    taxi.event("delivered", "2026-01-05T09:00:00Z", "wamid.A", category="marketing", user="+16135550123")
    assert "the number begins with +1, which is shared; the rest of the number says CA: North America" in taxi.told()
    assert "6135550123" not in taxi.told()
