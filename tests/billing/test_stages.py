"""USAGE and INVOICE as stages: routing, what a command sees, and a log that can be billed again elsewhere (billing.md §1)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.instants import DAY_MS, HOUR_MS, parse_instant
from tests.billing.cluster import Cluster
from tests.billing.desk import PLANS, Desk
from tests.billing.test_laws import LAW, stories


def at(text: str) -> int:
    instant_ms = parse_instant(text)
    assert instant_ms is not None
    return instant_ms


def given_one_by_one(cluster: Cluster, desk: Desk) -> None:
    """Every command at its own time, each read before the next one."""
    given_before = len(cluster.logs.get("billing.commands", []))
    for raw in desk.commands[given_before:]:
        cluster.now_ms = at(json.loads(raw)["time"])
        cluster.command(raw)
        cluster.invoice_reads()
        cluster.route()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(PLANS)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def total_of(desk: Desk, *arguments: Any, **fields: Any) -> bytes:
    desk.total(*arguments, **fields)
    return desk.totals.pop()


def test_a_new_biller_is_told_what_is_held_and_then_each_change(cluster: Cluster, desk: Desk) -> None:
    cluster.append("usage.totals", b"k", total_of(desk, "2025-06-02", "1.00"))
    cluster.append("usage.totals", b"k", total_of(desk, "2025-06-02", "1.50", country="DE"))
    cluster.append("usage.totals", b"k", total_of(desk, "2025-06-02", "0", outcome="free"))
    cluster.append("usage.totals", b"k", total_of(desk, "2025-06-02", "9.00", account_id="somebody-else"))
    cluster.route()
    assert cluster.published("billing.usage") == []
    desk.start("2025-06-01")
    given_one_by_one(cluster, desk)
    assert sorted(each["amount"] for each in cluster.published("billing.usage")) == ["1.00", "1.50"]
    cluster.append("usage.totals", b"k", total_of(desk, "2025-06-02", "2.00"))
    cluster.append("usage.totals", b"k", total_of(desk, "2025-06-02", "3.00"))
    cluster.route()
    assert [each["amount"] for each in cluster.published("billing.usage")][2:] == ["3.00"]
    assert json.loads(cluster.logs["billing.usage"][-1].key or b"")[:2] == ["acme", "acme"]


def test_two_billers_are_both_told_and_neither_twice(cluster: Cluster, desk: Desk) -> None:
    cluster.append("usage.totals", b"k", total_of(desk, "2025-06-02", "1.00"))
    cluster.route()
    other = Desk("other")
    other.start("2025-06-01", whatsapp_accounts=["acme"])
    desk.commands = other.commands
    desk.start("2025-06-01")
    given_one_by_one(cluster, desk)
    desk.give("2025-06-02", "subscription.cancel")
    desk.start("2025-07-01")
    given_one_by_one(cluster, desk)
    assert sorted(json.loads(record.key or b"")[0] for record in cluster.logs["billing.usage"]) == ["acme", "other"]


def test_the_stream_issues_what_the_offline_command_does(cluster: Cluster, desk: Desk) -> None:
    desk.start("2025-06-01", users=1, minimum=(1, 0))
    given_one_by_one(cluster, desk)
    cluster.now_ms = at("2025-06-20T00:00:00Z")
    cluster.append("usage.totals", b"k", total_of(desk, "2025-06-02", "1.00"))
    cluster.route()
    desk.close("2025-07-01")
    given_one_by_one(cluster, desk)
    cluster.now_ms = at("2025-07-05T00:00:00Z")
    cluster.append("usage.totals", b"k", total_of(desk, "2025-06-02", "1.20"))
    cluster.route()
    desk.close("2025-08-01")
    given_one_by_one(cluster, desk)
    assert [each["total"] for each in cluster.published("billing.invoices")] == ["50.00", "51.00", "50.20"]
    assert cluster.billed_again("acme") == cluster.values("billing.invoices")


@pytest.mark.parametrize(
    ("dated", "reason"),
    [pytest.param("2025-06-01T09:05:00.000Z", None, id="five minutes ahead"),
     pytest.param("2025-06-01T09:05:00.001Z", "out_of_order", id="a millisecond more")],
)  # fmt: skip
def test_a_command_dated_more_than_five_minutes_ahead_is_refused_and_its_id_is_used_up(
    cluster: Cluster, desk: Desk, dated: str, reason: str | None
) -> None:
    cluster.now_ms = at("2025-06-01T09:00:00Z")
    desk.start(dated, id="once")
    desk.start("2025-06-01T08:00:00Z", id="once")
    for raw in desk.commands:
        cluster.command(raw)
    cluster.invoice_reads()
    assert [event["reason"] for event in cluster.published("billing.events")] == [reason]
    assert cluster.billed_again("acme") == cluster.values("billing.invoices")


def test_what_is_no_command_is_rejected_with_its_bytes_and_counts_for_the_breaker(cluster: Cluster, desk: Desk) -> None:
    desk.start("2025-06-01")
    cluster.append("billing.commands", b"acme", b"{")
    cluster.append("billing.commands", b"another", desk.commands[0])
    cluster.append("billing.commands", None, desk.commands[0])
    cluster.append("billing.usage", b"[]", total_of(desk, "2025-06-02", "1.00"))
    cluster.invoice_reads()
    assert len(cluster.values("usage.rejected")) == 4
    assert "billing.events" not in cluster.logs


@pytest.mark.parametrize(
    ("dated", "billed"),
    [pytest.param("2025-07-01T00:00:00Z", "235.00", id="now"),
     pytest.param("2025-06-30T23:52:00Z", "230.00", id="eight minutes ago: exact"),
     pytest.param("2025-06-30T22:32:00Z", "115.00", id="an hour and a half ago: as at the end of the hour before")],
)  # fmt: skip
def test_a_command_that_comes_hours_late_sees_the_totals_of_the_hour_before(cluster: Cluster, desk: Desk, dated: str, billed: str) -> None:
    desk.start("2025-05-30T09:00:00Z")
    given_one_by_one(cluster, desk)
    for minute in range(0, 240, 5):
        cluster.now_ms = at("2025-06-30T20:00:00Z") + minute * 60_000
        cluster.append("usage.totals", b"k", total_of(desk, "2025-06-29", f"{minute}.00"))
        cluster.route()
        cluster.invoice_reads()
    desk.close(dated, as_of="2025-06-30")
    cluster.now_ms = at("2025-07-01T00:00:00Z")
    cluster.command(desk.commands[-1])
    cluster.invoice_reads()
    assert [each["total"] for each in cluster.published("billing.invoices")] == [billed]
    assert cluster.billed_again("acme") == cluster.values("billing.invoices")


def test_figures_that_wait_for_a_month_are_few(cluster: Cluster, desk: Desk) -> None:
    desk.start("2025-06-01")
    given_one_by_one(cluster, desk)
    for second in range(0, 2 * 3600, 10):
        cluster.now_ms = at("2025-06-30T20:00:00Z") + second * 1000
        cluster.append("usage.totals", b"k", total_of(desk, "2025-06-30", f"{second}.00"))
        cluster.route()
        cluster.invoice_reads()
    assert len(list(cluster.invoice.state.range(b"W" + _owner("acme")))) < 100


def _owner(account: str) -> bytes:
    from rating.ids import digest

    return digest(account)


@settings(LAW, max_examples=40)
@given(desk=stories(), data=st.data())
def test_an_exported_log_gives_the_same_invoices_byte_for_byte(desk: Desk, data: st.DataObject) -> None:
    """Whatever the delays: commands that are late, early, read with more totals than they waited for."""
    cluster = Cluster(PLANS)
    totals = list(desk.totals)
    for raw in desk.commands:
        time_ms = at(json.loads(raw)["time"])
        cluster.now_ms = max(cluster.now_ms, time_ms + data.draw(st.sampled_from([0, 0, 250, -200_000, 3 * HOUR_MS, 40 * HOUR_MS])))
        for _ in range(data.draw(st.integers(0, 2))):
            if totals:
                cluster.append("usage.totals", b"k", _without_time(totals.pop(0)))
        if data.draw(st.booleans()):
            cluster.route()
        cluster.command(raw)
        if data.draw(st.booleans()):
            cluster.now_ms += data.draw(st.sampled_from([0, 1, 60_000]))
            cluster.route()
        cluster.invoice_reads()
    cluster.now_ms += data.draw(st.integers(0, 3)) * DAY_MS
    for raw in totals:
        cluster.append("usage.totals", b"k", _without_time(raw))
    cluster.route()
    cluster.invoice_reads()
    assert cluster.billed_again("acme") == cluster.values("billing.invoices")


def _without_time(raw: bytes) -> bytes:
    return json.dumps({key: value for key, value in json.loads(raw).items() if key != "time"}).encode()
