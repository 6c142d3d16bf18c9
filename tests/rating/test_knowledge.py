"""What was known when: activation puts a catalog in force, a delivery keeps what was known, only a reprice moves it."""

from __future__ import annotations

from typing import Any

import pytest

from rating.activation import activation_of, learned
from rating.catalog import Catalog, load_catalog
from rating.stage import StageRefusedError
from streams.cards.catalog_files import read_shipped
from tests.rating.taxi import Taxi

HEAD = "effective_from,currency,market,category,tier_from,tier_to,rate,source,known_from\n"
FIRST = "2026-01-01,USD,France,utility,1,,0.0300,list,\n"
CORRECTION = "2026-01-01,USD,France,utility,1,,0.0350,list,2026-10-03\n"
LATER = "2026-01-01,USD,France,utility,1,,0.0360,list,2026-11-01\n"
MARKETING = "2026-01-01,USD,France,marketing,1,,0.0859,list,\n"


def catalog(*rows: str) -> Catalog:
    return load_catalog(read_shipped(), {"cards/fr.csv": HEAD + "".join(rows) + MARKETING})


KNOWS_FIRST = catalog(FIRST)
KNOWS_CORRECTION = catalog(FIRST, CORRECTION)
KNOWS_LATER = catalog(FIRST, CORRECTION, LATER)


def cost(catalog: Catalog) -> str | None:
    rate = catalog.rate("USD", "France", "utility", "2026-01-05")
    return None if rate is None else f"{rate.rate_nanos / 10**9:.4f}"


@pytest.mark.parametrize(
    ("known_at", "expected"),
    [
        ("", "0.0300"),
        ("2026-10-02", "0.0300"),
        ("2026-10-03", "0.0350"),
        ("2026-10-31", "0.0350"),
        ("2026-11-01", "0.0360"),
        ("2099-01-01", "0.0360"),
    ],
)
def test_a_correction_counts_from_the_day_it_is_known(known_at: str, expected: str) -> None:
    assert cost(KNOWS_LATER.as_known(known_at)) == expected


def test_a_catalog_that_has_learned_more_says_the_same_about_before() -> None:
    for known_at in ("", "2026-10-03"):
        assert KNOWS_LATER.as_known(known_at).content_hash == KNOWS_CORRECTION.as_known(known_at).content_hash
    assert KNOWS_LATER.content_hash != KNOWS_CORRECTION.content_hash
    assert learned(KNOWS_LATER).startswith(f"{learned(KNOWS_CORRECTION)},")
    assert KNOWS_LATER.as_known("2026-10-15") is KNOWS_LATER.as_known("2026-10-03")


def test_as_known_before_an_overlay_said_anything_the_shipped_cards_stand() -> None:
    late = load_catalog(read_shipped(), {"cards/fr.csv": HEAD + "2026-01-01,USD,France,utility,1,,0.9,list,2026-10-03\n"})
    assert cost(late.as_known("2026-10-02")) == cost(load_catalog(read_shipped())) == "0.0300"
    assert cost(late) == "0.9000"


def activate(taxi: Taxi, which: Catalog, name: str = "a-1") -> None:
    wanted = activation_of(which)
    taxi.command("activate_catalog", name, catalog=wanted.catalog, known_at=wanted.known_at or None)


def reprice(taxi: Taxi, which: Catalog, name: str = "p-1", **fields: Any) -> None:
    wanted = activation_of(which)
    taxi.command("reprice", name, catalog=wanted.catalog, known_at=wanted.known_at or None, **fields)
    taxi.finish()


def utility(taxi: Taxi, message_id: str, time: str = "2026-01-05T09:00:00.000Z", **fields: Any) -> None:
    taxi.event("sent", time, message_id, category="utility", **fields)
    taxi.event("delivered", time, message_id, **fields)


def costs(taxi: Taxi) -> dict[str, str]:
    return {message: line["cost"] for message, line in taxi.net().items()}


def corrected(**settings: Any) -> Taxi:
    """One message was rated before the correction was in force, one after."""
    taxi = Taxi(catalog=KNOWS_FIRST, **settings)
    utility(taxi, "before")
    taxi.restart(KNOWS_CORRECTION)
    activate(taxi, KNOWS_CORRECTION)
    utility(taxi, "after")
    return taxi


def test_what_is_published_stays_and_what_comes_next_is_rated_by_what_is_in_force() -> None:
    taxi = corrected()
    assert costs(taxi) == {"before": "0.0300", "after": "0.0350"}
    lines = {line["message_id"]: line for line in taxi.lines()}
    assert (lines["before"]["known_at"], lines["after"]["known_at"]) == (None, "2026-10-03")
    assert lines["before"]["catalog"] == KNOWS_FIRST.content_hash[:12]
    assert lines["after"]["catalog"] == KNOWS_CORRECTION.content_hash[:12]


def test_a_replacement_uses_what_was_known_when_the_delivery_was_first_rated() -> None:
    taxi = corrected()
    taxi.event("received", "2026-01-05T08:00:00.000Z", "hello")
    assert costs(taxi) == {"before": "0", "after": "0"}
    taxi.event("received", "2026-01-05T08:00:00.000Z", "hello", id="a", kind="reaction")
    assert costs(taxi) == {"before": "0.0300", "after": "0.0350"}


def test_a_worker_goes_on_with_a_catalog_that_has_learned_more_and_not_with_another() -> None:
    taxi = Taxi(catalog=KNOWS_FIRST)
    utility(taxi, "first")
    taxi.restart(KNOWS_LATER)
    utility(taxi, "second")
    assert costs(taxi) == {"first": "0.0300", "second": "0.0300"}, "what it learned is not in force"
    taxi.restart(catalog(CORRECTION))
    with pytest.raises(StageRefusedError, match=r"^in force is catalog \w{12} as known from the beginning, but this worker's is \w{12}"):
        taxi.step()


def test_a_worker_that_lacks_what_is_activated_does_nothing_more() -> None:
    taxi = Taxi(catalog=KNOWS_FIRST)
    utility(taxi, "first")
    activate(taxi, KNOWS_CORRECTION)
    with pytest.raises(StageRefusedError):
        utility(taxi, "second")
    taxi.state.commit()
    taxi.restart(KNOWS_CORRECTION)
    utility(taxi, "second")
    assert costs(taxi) == {"first": "0.0300", "second": "0.0350"}


def test_what_is_activated_twice_or_back_again() -> None:
    taxi = corrected()
    activate(taxi, KNOWS_CORRECTION, "a-2")
    utility(taxi, "third")
    activate(taxi, KNOWS_FIRST, "a-3")
    utility(taxi, "fourth")
    activate(taxi, KNOWS_CORRECTION, "a-3")
    utility(taxi, "fifth")
    assert [costs(taxi)[each] for each in ("third", "fourth", "fifth")] == ["0.0350", "0.0300", "0.0300"], "an id is executed once"


def test_a_reprice_reverses_and_replaces_once_with_the_cause_on_each() -> None:
    taxi = corrected()
    before = len(taxi.lines())
    reprice(taxi, KNOWS_CORRECTION, reason="Meta's correction")
    reversal, charge = taxi.lines()[before:]
    cause = {"type": "reprice", "id": "p-1", "reason": "Meta's correction"}
    assert (reversal["kind"], reversal["cost"], reversal["cause"], reversal["known_at"]) == ("reversal", "0.0300", cause, None)
    assert (charge["kind"], charge["cost"], charge["cause"], charge["known_at"]) == ("charge", "0.0350", cause, "2026-10-03")
    assert charge["revision"] == 2
    for again in ("p-1", "p-2"):
        reprice(taxi, KNOWS_CORRECTION, again)
    assert len(taxi.lines()) == before + 2


def test_a_reprice_that_changes_no_price_publishes_nothing_and_moves_what_is_known_all_the_same() -> None:
    taxi = Taxi(catalog=KNOWS_FIRST)
    taxi.event("received", "2026-01-05T08:00:00.000Z", "hello")
    utility(taxi, "free")
    taxi.restart(KNOWS_CORRECTION)
    activate(taxi, KNOWS_CORRECTION)
    before = len(taxi.lines())
    reprice(taxi, KNOWS_CORRECTION)
    assert len(taxi.lines()) == before
    taxi.event("received", "2026-01-05T08:00:00.000Z", "hello", id="a", kind="reaction")
    assert costs(taxi) == {"free": "0.0350"}
    assert taxi.lines()[-2]["known_at"] is None, "a reversal says what it takes back"


def test_a_reprice_prices_what_had_no_rate_and_takes_the_profiles_of_now() -> None:
    taxi = Taxi(catalog=catalog("2026-01-01,USD,France,utility,1,,,list,\n"))
    utility(taxi, "missing")
    assert taxi.unrated() == {"missing": "no_rate"}
    priced = catalog("2026-01-01,USD,France,utility,1,,,list,\n", CORRECTION)
    taxi.restart(priced)
    activate(taxi, priced)
    taxi.command("redrive", "r-1")
    assert costs(taxi) == {"missing": "0.0350"}
    assert taxi.lines()[-1]["cause"]["type"] == "redrive"
    taxi.profile({"account_id": "102290129340398", "timezone": "Europe/Paris", "currency": "USD", "fee": {"percent": "10"}})
    taxi.event("read", "2026-01-05T08:59:00.000Z", "missing")
    assert taxi.net()["missing"]["amount"] == "0.0350", "a correction keeps the profile"
    reprice(taxi, priced)
    assert taxi.net()["missing"]["amount"] == "0.0385"


@pytest.mark.parametrize(
    ("fields", "repriced"),
    [
        ({}, "abc"),
        ({"from": "2026-01-06"}, "bc"),
        ({"to": "2026-01-06"}, "ab"),
        ({"from": "2026-01-06", "to": "2026-01-06"}, "b"),
        ({"account_id": "102290129340398"}, "abc"),
        ({"account_id": "another"}, ""),
    ],
    ids=str,
)
def test_a_reprice_concerns_the_days_and_the_account_that_it_names(fields: dict[str, str], repriced: str) -> None:
    taxi = Taxi(catalog=KNOWS_FIRST)
    for message, time in {"a": "2026-01-05T22:59:59.999Z", "b": "2026-01-05T23:00:00.000Z", "c": "2026-01-06T23:00:00.000Z"}.items():
        utility(taxi, message, time)
    taxi.restart(KNOWS_CORRECTION)
    activate(taxi, KNOWS_CORRECTION)
    reprice(taxi, KNOWS_CORRECTION, **fields)
    assert {message for message, cost in costs(taxi).items() if cost == "0.0350"} == set(repriced)


def test_a_reprice_by_a_catalog_that_is_not_in_force_is_rejected() -> None:
    taxi = Taxi(catalog=KNOWS_FIRST)
    utility(taxi, "first")
    reprice(taxi, KNOWS_CORRECTION)
    (rejected,) = [output for output in taxi.outputs if output.topic == "usage.rejected"]
    assert dict(rejected.headers)["reason"] == b"catalog_conflict"
    assert costs(taxi) == {"first": "0.0300"}


@pytest.mark.parametrize("redecisions", [1, 2, 3, 1000])
def test_a_big_reprice_goes_on_from_step_to_step_over_restarts(redecisions: int) -> None:
    taxi = Taxi(catalog=KNOWS_FIRST, redecisions_per_step=redecisions)
    for number in range(9):
        utility(taxi, f"m{number}", user=f"+3361234567{number % 4}")
    taxi.restart(KNOWS_CORRECTION)
    activate(taxi, KNOWS_CORRECTION)
    wanted = activation_of(KNOWS_CORRECTION)
    unfinished = taxi.command("reprice", "p", catalog=wanted.catalog, known_at=wanted.known_at).unfinished
    while unfinished:
        taxi.restart(KNOWS_CORRECTION)
        unfinished = taxi.step().unfinished
    assert set(costs(taxi).values()) == {"0.0350"}
    assert len(taxi.lines()) == 27
