"""Usage of a cycle, and what changed since it was billed (billing contract §1, §7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.billing_oracle.dates import Period
from tests.billing_oracle.fixed import Line
from tests.billing_oracle.history import Subscription
from tests.billing_oracle.prices import rounded
from tests.billing_oracle.reading import Total


@dataclass(frozen=True)
class Cycle:
    """One cycle of one subscription."""

    sub: Subscription
    period: Period

    @property
    def name(self) -> tuple[str, Period]:
        return self.sub.start.id, self.period


def known(totals: Sequence[Total], at_ms: int) -> list[Total]:
    """What is known at an instant.

    Billing contract §1: "it counts for commands at or after it"; "The latest of a key is the greatest `time`, then the later in the file".
    """
    latest: dict[object, Total] = {}
    for total in sorted((each for each in totals if each.known_ms <= at_ms), key=lambda each: (each.known_ms, each.place)):
        latest[total.key] = total
    return list(latest.values())


def name_of(total: Total) -> str:
    """Billing contract §7: "named `{country} · {category}` (no country: `Other · …`)"."""
    return f"{total.country or 'Other'} · {total.category}"


def of_cycle(totals: Iterable[Total], cycle: Cycle, currency: str) -> dict[str, list[Total]]:
    """The totals that a cycle is billed for, by line.

    Billing contract §7: "only what is charged; one line per (country, category), markets and phone numbers together"; §1: "Its `date`
    counts as it
    stands".
    """
    found: dict[str, list[Total]] = {}
    accounts = cycle.sub.whatsapp_accounts
    for total in totals:
        if total.outcome == "charged" and total.account in accounts and total.date in cycle.period and total.currency == currency:
            found.setdefault(name_of(total), []).append(total)
    return found


def usage_lines(totals: Sequence[Total], cycle: Cycle, currency: str) -> Iterator[Line]:
    """Billing contract §7: "`quantity` = messages, … `amount` = Σ `amount` of the totals of the cycle's dates, rounded once"."""
    for name, of_line in of_cycle(totals, cycle, currency).items():
        amount = rounded(sum((total.amount for total in of_line), Decimal(0)), currency)
        if amount != 0:
            messages = sum(total.messages for total in of_line)
            yield Line("WhatsApp usage", name, "usage", messages, amount, cycle.period, _dates(of_line), cycle=(*cycle.name, currency))


def adjustment_lines(totals: Sequence[Total], cycle: Cycle, currency: str, issued: Sequence[Line]) -> Iterator[Line]:
    """What is due for a cycle that was closed before.

    Billing contract §7: "named as the usage line, quantity = change in messages, amount = what the cycle's line would be now − what was
    billed for
    it so far; zero: none".
    """
    for name, of_line in of_cycle(totals, cycle, currency).items():
        so_far = [line for line in issued if line.name == name and line.cycle == (*cycle.name, currency)]
        now = rounded(sum((total.amount for total in of_line), Decimal(0)), currency)
        amount = now - sum((line.amount for line in so_far), Decimal(0))
        if amount != 0:
            messages = sum(total.messages for total in of_line) - sum(line.quantity for line in so_far)
            yield Line("Adjustments", name, "adjustment", messages, amount, cycle.period, _dates(of_line), cycle=(*cycle.name, currency))


def _dates(totals: Iterable[Total]) -> tuple[str, ...]:
    """Billing contract §7: "`evidence`: … for usage and adjustments the totals' dates"."""
    return tuple(sorted({total.date.isoformat() for total in totals}))
