"""Puts what several lists print into cards: one for each currency and day of effect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from rating.catalog.cards import RateKey
from rating.catalog.cells import CATEGORIES, rate
from rating.catalog.problems import Findings
from rating.catalog.published.card import PublishedCard
from rating.catalog.published.printed import PrintedRate


def cards_of(printed: Iterable[PrintedRate], findings: Findings) -> list[PublishedCard]:
    """The cards, by currency and day, their rates by market and category. What contradicts itself goes to `findings`.

    A tier table's bands take the place of the list rate of their market and category, which is the same as their
    first band's or one of the two is wrong.
    """
    groups: dict[tuple[str, str], dict[RateKey, list[PrintedRate]]] = defaultdict(lambda: defaultdict(list))
    for one in printed:
        groups[one.key.currency, one.effective_from][one.key].append(one)
    cards = []
    for (currency, effective_from), by_key in sorted(groups.items()):
        keys = sorted(by_key, key=lambda key: (key.market, CATEGORIES.index(key.category)))
        rates = [one for key in keys for one in _one_of(by_key[key], findings)]
        cards.append(PublishedCard(currency, effective_from, tuple(rates)))
    return cards


def _one_of(found: Sequence[PrintedRate], findings: Findings) -> Sequence[PrintedRate]:
    """What counts of everything that is printed for one market and category from one day on."""
    lists = [one for one in found if not one.of_tiers]
    bands = [one for one in found if one.of_tiers]
    firsts = [*lists, *(one for one in bands if one.tier_from == 1)]
    files = {one.place.file for one in bands}
    for one in firsts[1:]:
        first = firsts[0]
        if _nanos(one) != _nanos(first):
            what = f"{one.key} is {one.rate or 'n/a'} here and {first.rate or 'n/a'} in {first.place.file} line {first.place.line}"
            findings.add(one.place, what, "leave out the list that is wrong")
            return ()
    if len(lists) > 1 or len(files) > 1:
        twice = lists[1] if len(lists) > 1 else next(one for one in bands if one.place.file != bands[0].place.file)
        first = lists[0] if len(lists) > 1 else bands[0]
        what = f"{twice.key} already stands in {first.place.file} line {first.place.line}"
        findings.add(twice.place, what, "name each list once")
        return ()
    return bands or lists


def _nanos(one: PrintedRate) -> int | None:
    value = rate(one.rate or "")
    return None if value is None else value[0]
