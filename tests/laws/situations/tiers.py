"""Volume tiers: edges in totals and between them, counters that differ in everything, corrections on both sides of an edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from tests.laws.check import Checked
from tests.laws.situations.registry import situation
from tests.oracle import Line
from tests.oracle.tiers import CounterKey, counters_of


def _counters(checked: Checked) -> Iterator[tuple[CounterKey, list[Line]]]:
    """The counters in which some message's rate has several bands."""
    for counter, lines in counters_of(checked.oracle.lines, checked.oracle.facts).items():
        if any(len(line.bands) > 1 for line in lines):
            yield counter, lines


def _a_counter(name: str, holds: Callable[[list[Line]], bool]) -> None:
    """Registers: some counter's lines, in their order, are like this."""
    situation(name)(lambda checked: any(holds(lines) for _, lines in _counters(checked)))


def _differ(name: str, what: Callable[[Line], object]) -> None:
    """Registers: some counter's lines differ in this."""
    _a_counter(name, lambda lines: len({what(line) for line in lines}) > 1)


def _last_message(line: Line) -> int | None:
    """Of the line's band; None where it is open."""
    last = (line.tier or "").partition(":")[2]
    return int(last) if last.isdigit() else None


def _goes_beyond(lines: list[Line]) -> bool:
    return any(len(line.bands) > 1 and _last_message(line) is None for line in lines)


def _fills_a_band(lines: list[Line], beyond: int) -> bool:
    return any(_last_message(line) == len(lines) - beyond for line in lines)


_a_counter("a month ends with a band's last message", lambda lines: _fills_a_band(lines, 0))
_a_counter("a month ends one message beyond a band", lambda lines: _fills_a_band(lines, 1))
_a_counter("a month fills three bands", lambda lines: len({line.tier for line in lines}) > 2)
_a_counter("a month goes beyond every band with an end", _goes_beyond)
_differ("two accounts in one counter", lambda line: line.account_id)
_differ("two phone numbers in one counter", lambda line: line.key.phone_number_id)
_differ("two currencies in one counter", lambda line: line.currency)
_differ("two countries of one market in one counter", lambda line: line.country)
_differ("authentication at home and abroad in one counter", lambda line: line.category)
_differ("two cards in one month's counter", lambda line: line.card)


@situation("an edge of a band amid a total")
def _amid(checked: Checked) -> bool:
    return any(len(bands) > 1 for bands in checked.oracle.tiers.values())


@situation("an edge of a band between two totals")
def _between(checked: Checked) -> bool:
    return any(
        one.bands == other.bands and one.tier != other.tier and _total_of(one) != _total_of(other)
        for _, lines in _counters(checked)
        for one, other in pairwise(lines)
    )


def _total_of(line: Line) -> tuple[str, ...]:
    return line.date, line.account_id, line.key.phone_number_id, line.country or "", line.category


@situation("a total wholly beyond the first band")
def _beyond(checked: Checked) -> bool:
    return any(not any(tier.startswith("1:") for tier in bands) for bands in checked.oracle.tiers.values())


@situation("one portfolio counts in two months")
def _two_months(checked: Checked) -> bool:
    counters = [counter for counter, _ in _counters(checked)]
    return len({counter._replace(month="") for counter in counters}) < len(counters)


@situation("one portfolio in two zones")
def _two_zones(checked: Checked) -> bool:
    facts = checked.oracle.facts
    return any(len({facts[line.key].profile["timezone"] for line in lines}) > 1 for _, lines in _counters(checked))


@situation("an account changes its portfolio on a month's first day")
def _changes(checked: Checked) -> bool:
    of_account: dict[str, set[str]] = {}
    for counter, lines in _counters(checked):
        for line in lines:
            of_account.setdefault(line.account_id, set()).add(counter.portfolio_id)
    return any(len(portfolios) > 1 for portfolios in of_account.values())


# What is published on the way


@situation("an edge moves over a total: its messages get dearer")
def _dearer(checked: Checked) -> bool:
    return any(not line["cost"].startswith("-") for run in checked.runs for line in run.watch.adjustments)


@situation("an edge moves over a total: its messages get cheaper")
def _cheaper(checked: Checked) -> bool:
    return any(line["cost"].startswith("-") for run in checked.runs for line in run.watch.adjustments)


@situation("several messages move in one adjustment")
def _several(checked: Checked) -> bool:
    return any(line["moved"] > 1 for run in checked.runs for line in run.watch.adjustments)


@situation("a total is adjusted again and again")
def _again(checked: Checked) -> bool:
    return any(line["revision"] > 2 for run in checked.runs for line in run.watch.adjustments)


@situation("a message is charged in a higher band at once")
def _at_once(checked: Checked) -> bool:
    return any(line["tier"] and not line["tier"].startswith("1:") for run in checked.runs for line in run.watch.live.values())


@situation("a line of a higher band is taken back")
def _taken_back(checked: Checked) -> bool:
    return any(
        line["kind"] == "reversal" and line["tier"] and not line["tier"].startswith("1:")
        for run in checked.runs
        for lines in run.watch.lines.values()
        for line in lines
    )
