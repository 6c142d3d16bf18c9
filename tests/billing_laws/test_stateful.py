"""An account told one thing after another: after each, all that it has answered is what the oracle computes from the whole list anew."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rating.billing.machine import execute
from rating.billing.memory import Memory
from rating.billing.plans_file import read_plans
from rating.billing.usage import Usage, is_billable, waiting
from schemas.billing_commands import Command, decode_command
from schemas.totals import ReadTotal, decode_total
from tests.billing_laws.compare import differences_to
from tests.billing_laws.histories import DAY, SHARED, UNITS, ZONES
from tests.billing_laws.price_lists import ADDONS, COUNTRIES, CURRENCIES, PLANS, plans_file
from tests.billing_oracle import bill as by_oracle
from tests.billing_oracle.dates import local_day
from tests.billing_oracle.reading import KINDS, ROLES
from tests.billing_oracle.writing import Writer, total
from tests.oracle.instants import instant_ms, written

BEGINS_MS = instant_ms("2025-01-29T00:00:00Z") or 0
people = st.sampled_from(("account_manager",) * 20 + ("owner",) * 8 + ROLES)
addons = st.sampled_from(ADDONS)
terms = st.sampled_from(("monthly", "annual", "upfront"))
usages = st.lists(
    st.fixed_dictionaries(
        {
            "amount": st.sampled_from(("0.005", "0.004", "1.25", "-3.105", "0", "1999.999999999")),
            "messages": st.integers(-2, 30),
            "country": st.sampled_from((*COUNTRIES, None)),
            "currency": st.sampled_from(("USD", "USD", "USD", "EUR", "JPY")),
            "account_id": st.sampled_from(("acme", SHARED, "acme", SHARED, "another")),
            "outcome": st.sampled_from(("charged", "charged", "charged", "free")),
        }
    ),
    min_size=1,
    max_size=4,
)
waits = st.sampled_from((0, 1, 3_600_000, DAY, DAY, 10 * DAY, 31 * DAY))


class AnAccount(RuleBasedStateMachine):
    """The core is told each command and each total once, as it comes, and keeps its state; the oracle is told everything every time."""

    def __init__(self) -> None:
        super().__init__()
        self.write = Writer()
        self.now_ms = BEGINS_MS
        self.zone = "UTC"
        self.cancelled = False
        self.commands: list[bytes] = []
        self.totals: list[bytes] = []
        self.state = Memory()
        self.events: list[dict[str, Any]] = []
        self.invoices: list[dict[str, Any]] = []

    @initialize(seed=st.integers(0, 200), zone=st.sampled_from(ZONES), term=terms, users=st.integers(0, 3))
    def it_subscribes(self, seed: int, zone: str, term: str, users: int) -> None:
        self.text = plans_file(random.Random(seed))
        self.plans = read_plans(self.text)
        self._start(zone, term, PLANS[0], "USD", users)

    @precondition(lambda self: self.cancelled or len(self.commands) % 11 == 0)
    @rule(
        zone=st.sampled_from(ZONES),
        term=terms,
        plan=st.sampled_from(PLANS),
        currency=st.sampled_from(CURRENCIES),
        users=st.integers(0, 3),
        wait=waits,
    )
    def it_subscribes_again(self, zone: str, term: str, plan: str, currency: str, users: int, wait: int) -> None:
        self.now_ms += wait + self.cancelled * 62 * DAY
        self._start(zone, term, plan, currency, users)

    @rule(
        wait=waits,
        by=people,
        kind=st.sampled_from(KINDS),
        unit=st.sampled_from(UNITS),
        type_=st.sampled_from(("unit.add", "unit.add", "unit.remove")),
    )
    def a_unit_comes_or_goes(self, wait: int, by: str, kind: str, unit: str, type_: str) -> None:
        self._tell(wait, type_, by=by, kind=kind, unit_id=unit)

    @rule(wait=waits, by=people, addon=addons, quantity=st.sampled_from((1, 1, 2, 5, 0, "3", None)))
    def an_add_on_is_bought(self, wait: int, by: str, addon: str, quantity: Any) -> None:
        self._tell(wait, "addon.purchase", by=by, addon=addon, quantity=quantity)

    @rule(wait=waits, by=people, addon=addons, type_=st.sampled_from(("remove", "remove", "trial", "request_quote", "request_feature")))
    def an_add_on_is_removed_or_asked_for(self, wait: int, by: str, addon: str, type_: str) -> None:
        self._tell(wait, f"addon.{type_}", by=by, addon=addon)

    @rule(wait=waits, by=people, addon=addons, unit=st.sampled_from(UNITS), type_=st.sampled_from(("assign", "assign", "unassign")))
    def a_licence_changes_hands(self, wait: int, by: str, addon: str, unit: str, type_: str) -> None:
        self._tell(wait, f"addon.{type_}", by=by, addon=addon, unit_id=unit)

    @precondition(lambda self: not self.cancelled and len(self.commands) > 6)
    @rule(wait=waits, by=people)
    def it_cancels(self, wait: int, by: str) -> None:
        self._tell(wait, "subscription.cancel", by=by)
        self.cancelled = True

    @rule(wait=waits, days_ago=st.sampled_from((0, 0, 0, 1, 31, -1)))
    def cycles_are_closed(self, wait: int, days_ago: int) -> None:
        day = local_day(self.now_ms + wait, self.zone) - timedelta(days=days_ago)
        self._tell(wait, "cycle.close", as_of=day.isoformat())

    @rule(which=st.integers(0, 50), back_ms=st.sampled_from((0, 1, DAY)))
    def a_command_comes_again_or_late(self, which: int, back_ms: int) -> None:
        record = json.loads(self.commands[which % len(self.commands)])
        if back_ms:
            record |= {"id": f"late {len(self.commands)}", "time": written(self.now_ms - back_ms)}
        self._execute(json.dumps(record).encode())

    @rule(days_ago=st.integers(-1, 70), records=usages)
    def usage_becomes_known(self, days_ago: int, records: list[dict[str, Any]]) -> None:
        self.now_ms += 1
        day = local_day(self.now_ms - days_ago * DAY, "UTC").isoformat()
        for fields in records:
            self._meter(total(day, time=written(self.now_ms), **fields))

    @rule(records=usages)
    def a_month_goes_by_and_its_usage_is_corrected_later(self, records: list[dict[str, Any]]) -> None:
        self.usage_becomes_known(0, records)
        self.cycles_are_closed(31 * DAY, 0)
        self.usage_becomes_known(31, [{**fields, "amount": "7.005"} for fields in records[1:]])

    @invariant()
    def it_has_answered_as_the_oracle_does(self) -> None:
        if self.commands:
            oracle = by_oracle(self.commands, self.text, self.totals)
            assert differences_to(oracle, (self.events, self.invoices, [])) == []

    def _meter(self, raw: bytes) -> None:
        self.totals.append(raw)
        read = decode_total(raw)
        assert isinstance(read, ReadTotal)
        if read.account_id in ("acme", SHARED) and is_billable(read):
            Usage(self.state, "acme").wait(waiting(read), len(self.totals))

    def _start(self, zone: str, term: str, plan: str, currency: str, users: int) -> None:
        upfront = {"term": "annual", "invoicing": "upfront"} if term == "upfront" else {"term": term}
        ids = {"user": list(UNITS[:users]), "number": ["line"]}
        raw = self.write.start(
            written(self.now_ms),
            plan,
            currency=currency,
            timezone=zone,
            minimum={"user": 1},
            units=ids,
            whatsapp_accounts=["acme", SHARED],
            **upfront,
        )
        self._execute(raw)
        if self.events and self.events[-1]["outcome"] == "accepted":
            self.zone, self.cancelled = zone, False

    def _tell(self, wait: int, type_: str, **fields: Any) -> None:
        self.now_ms += wait
        self._execute(self.write(written(self.now_ms), type_, **fields))

    def _execute(self, raw: bytes) -> None:
        self.commands.append(raw)
        command = decode_command(raw)
        assert isinstance(command, Command)
        answer = execute(self.state, self.plans, command)
        if answer is not None:
            self.events.append(answer.event)
            self.invoices += answer.invoices


TestAnAccount = AnAccount.TestCase
TestAnAccount.settings = settings(
    max_examples=15, stateful_step_count=30, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
