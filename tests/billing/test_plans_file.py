"""The plans file: what may stand in it, and every problem at once (billing.md §2)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rating.billing.machine import Answer
from rating.billing.memory import Memory
from rating.billing.offline import Biller
from rating.billing.plans import FREE, PlanInUseError, PlansProblemsError
from rating.billing.plans_file import read_plans, shipped_example
from streams.logs import described
from tests.billing.desk import Desk

PLAN = '[plans.p]\nname = "P"\n'
FRENCH = 'monthly = {{ USD = "1" }}\nby_country = {{ FR = {{ {} }} }}'
"""A general price of 1, and a table for France."""
ADDON = '[addons.a]\nname = "A"\nseats = "plain"\n'


def problems(text: str) -> list[str]:
    with pytest.raises(PlansProblemsError) as raised:
        read_plans(text)
    return raised.value.problems


def test_the_shipped_example_can_be_read_and_prices_what_it_offers() -> None:
    plans = read_plans(shipped_example())
    assert set(plans.plans) == {"essentials", "professional", "professional-annual", "chatbot"}
    for plan in plans.plans.values():
        term = "annual" if "annual" in plan.key else "monthly"
        for item in (*plan.minimum, *plan.additional):
            assert item.prices.price(term, "USD", "FR") is not None
        for addon in plan.addons:
            assert plans.addons[addon].prices.price(term, "USD", "FR") is not None


def test_defaults() -> None:
    plans = read_plans(PLAN + ADDON)
    plan, addon = plans.plans["p"], plans.addons["a"]
    assert (plan.cycle, plan.proration, plan.additional_units) == ("month", "actual-inclusive", "immediate")
    assert (plan.additional_user_includes_addons, plan.base, plan.section) == (False, None, "P")
    assert [item.name for item in (*plan.minimum, *plan.additional)] == ["Users", "Numbers", "Additional users", "Additional numbers"]
    assert (addon.commitment, addon.trial_days, addon.quote, addon.consumption) == ("plan", 0, False, False)
    assert (plans.grace_days, plans.admin_may_request_quote) == (0, False)


@pytest.mark.parametrize(
    ("table", "term", "currency", "country", "price"),
    [
        pytest.param("", "monthly", "USD", "FR", FREE, id="no table at all: included"),
        pytest.param("monthly = {}", "monthly", "USD", "FR", None, id="a table without prices is a table"),
        pytest.param('monthly = { USD = "1.5" }', "monthly", "USD", "FR", Decimal("1.5"), id="the general price"),
        pytest.param('monthly = { USD = "1.5" }', "annual", "USD", "FR", None, id="another term"),
        pytest.param('monthly = { USD = "1.5" }', "monthly", "EUR", "FR", None, id="another currency"),
        pytest.param(FRENCH.format('monthly = { USD = "2" }'), "monthly", "USD", "FR", Decimal(2), id="the country's first"),
        pytest.param(FRENCH.format('monthly = { EUR = "2" }'), "monthly", "USD", "FR", Decimal(1), id="each currency on its own"),
        pytest.param(FRENCH.format('annual = { USD = "2" }'), "monthly", "USD", "FR", Decimal(1), id="each term on its own"),
        pytest.param('by_country = { FR = { monthly = { USD = "2" } } }', "monthly", "USD", "DE", None, id="a table elsewhere is one"),
        pytest.param('monthly = { USD = "0" }', "monthly", "USD", "FR", Decimal(0), id="a price of nothing"),
    ],
)  # fmt: skip
def test_the_price_that_is_taken(table: str, term: str, currency: str, country: str, price: Decimal | None) -> None:
    assert read_plans(ADDON + table).addons["a"].prices.price(term, currency, country) == price
    assert read_plans(f"{PLAN}[plans.p.user]\nname = 'U'\n{table}").plans["p"].minimum[0].prices.price(term, currency, country) == price
    assert (base := read_plans(f"{PLAN}[plans.p.base]\n{table}").plans["p"].base) is not None
    assert base.price(term, currency, country) == price


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plans = [", "is not TOML"),
        (PLAN + 'addons = ["x"]', 'plans.p.addons: "x" is no add-on of this file'),
        (PLAN + 'includes = ["x"]', 'plans.p.includes: "x" is no add-on of this file'),
        (PLAN + "addons = 5", "plans.p.addons: must be a list of add-ons"),
        (PLAN + 'cycle = "week"', "plans.p.cycle: must be one of month, 30-days"),
        (PLAN + 'proration = "none"', "plans.p.proration: must be one of actual-inclusive, fixed-30-exclusive"),
        (PLAN + 'additional_units = "never"', "plans.p.additional_units: must be one of immediate, cycle"),
        (PLAN + "additional_user_includes_addons = 1", "plans.p.additional_user_includes_addons: must be true or false"),
        (PLAN + "base = 49", "plans.p.base: must be a table"),
        (PLAN + 'base = { name = "B" }', "plans.p.base.name: is no key here"),
        (PLAN + 'user = { monthly = { USD = "1" } }', "plans.p.user.name: is missing"),
        (PLAN + 'section = ""', "plans.p.section: must be text that is not empty"),
        (PLAN + 'colour = "red"', "plans.p.colour: is no key here; the keys are name, section"),
        ("[plans.p]", "plans.p.name: is missing"),
        ('[plans.p]\nname = ""', "plans.p.name: must be text that is not empty"),
        ("plans = 1", "plans: must be a table"),
        ("[shop]", "shop: is no key here; the keys are plans, addons, settings"),
        ('[addons.a]\nname = "A"', "addons.a.seats: is missing; write one of provisioned, account, plain"),
        ('[addons.a]\nseats = "plain"', "addons.a.name: is missing"),
        (ADDON + 'commitment = "life"', "addons.a.commitment: must be one of plan, cycle"),
        (ADDON + "trial_days = -1", "addons.a.trial_days: must be a whole number of days"),
        (ADDON + "trial_days = true", "addons.a.trial_days: must be a whole number of days"),
        (ADDON + 'quote = "yes"', "addons.a.quote: must be true or false"),
        (ADDON + 'monthly = { XYZ = "1" }', "addons.a.monthly.XYZ: is no currency of ISO 4217"),
        (ADDON + 'weekly = { USD = "1" }', "addons.a.weekly: is no key here"),
        (ADDON + 'by_country = { fr = { monthly = { USD = "1" } } }', "addons.a.by_country.fr: is no country"),
        (ADDON + 'by_country = { FR = { USD = "1" } }', "addons.a.by_country.FR.USD: is no key here; the keys are monthly, annual"),
        ("[settings]\ngrace_days = 1.5", "settings.grace_days: must be a whole number of days"),
        ("[settings]\ndunning = true", "settings.dunning: is no key here"),
        *[(ADDON + f"monthly = {{ USD = {price} }}", "addons.a.monthly.USD: is no price; write a decimal of at least 0 as text")
          for price in ('"-1"', '"1e3"', '"1,5"', '""', '" 1"', '"+1"', '".5"', '"5."', '"NaN"', '"٣"', "1.5", "1", "true")],
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(text: str, found: str) -> None:
    assert any(problem.startswith(found) for problem in problems(text)), problems(text)


def test_all_problems_are_told_at_once() -> None:
    text = "[plans.p]\ncycle = 'x'\naddons = ['b']\n[addons.a]\nmonthly = { USD = '-1', ABC = '2' }\n[settings]\nx = 1\n"
    assert [problem.partition(":")[0] for problem in problems(text)] == [
        "addons.a.name",
        "addons.a.seats",
        "addons.a.monthly.USD",
        "addons.a.monthly.ABC",
        "plans.p.name",
        "plans.p.cycle",
        "plans.p.addons",
        "settings.x",
    ]


def test_files_that_differ_have_different_fingerprints() -> None:
    assert read_plans(PLAN).fingerprint != read_plans(PLAN + "\n").fingerprint


@pytest.mark.parametrize(
    ("plans", "lacks"),
    [
        (PLAN.replace("[plans.p]", "[plans.q]") + ADDON, 'plan "p"'),
        (PLAN, 'add-on "a"'),
        (PLAN.replace("[plans.p]", "[plans.q]"), 'plan "p", add-on "a"'),
    ],
)
def test_a_plans_file_that_lacks_what_an_account_has_is_told_in_a_sentence(plans: str, lacks: str) -> None:
    desk, state = Desk(plans=PLAN + 'addons = ["a"]\n' + ADDON + 'monthly = { USD = "1" }\n'), Memory()
    desk.start("2025-06-01", plan="p")
    desk.give("2025-06-02", "addon.purchase", addon="a", quantity=1)
    first = Biller(read_plans(desk.plans), state)
    for raw in desk.commands:
        answer = first.command(raw)
        assert isinstance(answer, Answer)
        assert answer.is_accepted, answer
    desk.give("2025-06-03", "subscription.cancel")
    with pytest.raises(PlanInUseError) as raised:
        Biller(read_plans(plans), state).command(desk.commands[-1])
    assert described(raised.value) == f"the plans file lacks {lacks}, which an account has; put back what is in use"
