"""Who may send what: billing.md §5, last paragraph, sentence by sentence and at its boundaries; seed S003."""

from __future__ import annotations

import pytest

from tests.compliance.beat import BOUGHT, DAY_MS, HOUR_MS, NINE, OUTSIDE, UNLICENSED, Beat, judged, licence, told
from tests.rating.taxi import ACCOUNT

# Who is unlicensed


def test_a_message_whose_sender_holds_no_licence_is_told_where_the_account_has_bought_the_add_on() -> None:
    assert judged(BOUGHT) == [UNLICENSED]
    assert judged(BOUGHT, told("ann", licence(0))) == []
    assert judged(BOUGHT, told("bob", licence(0))) == [UNLICENSED]


def test_where_nothing_is_bought_nobody_is_judged() -> None:
    assert judged() == []
    assert judged(told(None, licence(1))) == []


def test_a_licence_that_someone_holds_shows_that_the_account_has_bought_the_add_on() -> None:
    assert judged(told("bob", licence(0, HOUR_MS))) == [UNLICENSED]
    assert judged(told("bob", licence(1))) == []


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "is_licensed"),
    [
        pytest.param(0, None, True, id="at its first instant"),
        pytest.param(1, None, False, id="one millisecond before its first instant"),
        pytest.param(-HOUR_MS, 1, True, id="one millisecond before its end"),
        pytest.param(-HOUR_MS, 0, False, id="at its end"),
        pytest.param(0, 0, False, id="in an empty licence"),
    ],
)
def test_a_licence_holds_from_its_first_instant_to_before_its_end(start_ms: int, end_ms: int | None, is_licensed: bool) -> None:
    assert judged(BOUGHT, told("ann", licence(start_ms, end_ms))) == ([] if is_licensed else [UNLICENSED])


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "is_judged"),
    [
        pytest.param(0, None, True, id="at the instant of the purchase"),
        pytest.param(1, None, False, id="one millisecond before the purchase"),
        pytest.param(-HOUR_MS, 1, True, id="one millisecond before it lapses"),
        pytest.param(-HOUR_MS, 0, False, id="when it has lapsed"),
    ],
)
def test_licences_are_needed_from_the_purchase_until_the_add_on_lapses(start_ms: int, end_ms: int | None, is_judged: bool) -> None:
    assert judged(told(None, licence(start_ms, end_ms))) == ([UNLICENSED] if is_judged else [])


def test_during_a_trial_every_user_counts_as_licensed() -> None:
    trial = licence(-HOUR_MS, 0, addon="other", everyone=True)
    bought = licence("2025-01-01T00:00:00Z")
    assert judged(told(None, bought, trial), after_ms=-1) == []
    assert judged(told(None, bought, trial), after_ms=0) == [UNLICENSED]


def test_an_add_on_without_consumption_neither_asks_for_licences_nor_is_one() -> None:
    assert judged(told(None, licence(0, consumption=False))) == []
    assert judged(BOUGHT, told("ann", licence(0, consumption=False))) == [UNLICENSED]


def test_a_licence_covers_the_whatsapp_accounts_of_its_subscription_alone() -> None:
    elsewhere = licence(0, whatsapp_accounts=["another"])
    assert judged(told(None, elsewhere)) == []
    assert judged(BOUGHT, told("ann", elsewhere)) == [UNLICENSED]
    assert judged(BOUGHT, told("ann", licence(0, whatsapp_accounts=["another", ACCOUNT]))) == []


def test_an_account_of_two_subscriptions_takes_a_licence_of_either() -> None:
    other = told(None, licence(0), account="other")
    assert judged(BOUGHT, other, told("ann", licence(0), account="other")) == []
    assert judged(BOUGHT, other, told("ann", licence(1), account="other")) == [UNLICENSED]


def test_a_message_whose_sender_nobody_names_is_judged_for_its_window_alone() -> None:
    beat = Beat()
    beat.tell(BOUGHT)
    beat.sends("m", category="service")
    beat.tick(0, end_of_input=True)
    assert beat.said == [OUTSIDE]


# What is free-form outside every window


@pytest.mark.parametrize(
    ("after_ms", "is_outside"),
    [
        pytest.param(-1, True, id="just before the user's message"),
        pytest.param(0, False, id="at the user's message"),
        pytest.param(DAY_MS - 1, False, id="one millisecond before the window's end"),
        pytest.param(DAY_MS, True, id="exactly at the window's end"),
    ],
)
def test_free_form_is_for_the_window_in_which_it_is_sent(after_ms: int, is_outside: bool) -> None:
    beat = Beat()
    beat.hears("in", 0)
    beat.sends("m", after_ms, category="service")
    beat.tick(0, end_of_input=True)
    assert beat.said == ([OUTSIDE] if is_outside else [])


@pytest.mark.parametrize("category", ["marketing", "utility", "authentication", "authentication_international", "a new one"])
def test_a_template_may_be_sent_outside_every_window(category: str) -> None:
    assert judged(category=category) == []


def test_another_users_window_opens_nothing() -> None:
    beat = Beat()
    beat.hears("in", 0, user="+4915112345678")
    beat.sends("m", 1, category="service")
    beat.tick(0, end_of_input=True)
    assert beat.said == [OUTSIDE]


def test_a_sent_that_does_not_know_its_category_is_judged_by_what_another_event_says() -> None:
    beat = Beat()
    beat.sends("m", category=None, category_unknown=True)  # type: ignore[arg-type]  # as a webhook has it
    beat.clock(2 * HOUR_MS)
    assert beat.said == []
    beat.event("delivered", NINE, "m", pricing={"category": "service"})
    assert beat.said == [OUTSIDE]
    beat.event("read", NINE, "m", category="utility")
    assert beat.said == [OUTSIDE, f"{OUTSIDE} withdrawn"]
