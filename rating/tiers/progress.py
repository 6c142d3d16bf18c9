"""How far the volume bands of a month are filled: what is used, in which band the next message lies, and when a cheaper one begins.

Source: contract §7, `wameter tiers`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from rating.catalog import Catalog, Rate
from rating.tiers.naming import TallyName


class Progress(NamedTuple):
    """One rate's bands in one counter."""

    portfolio_id: str
    market: str
    family: str
    """`utility`, or `authentication` with its international variant: what is counted together."""
    month: str
    category: str
    """Whose rate it is."""
    currency: str
    used: int
    """Charged messages of the whole counter, whatever their currency and category."""
    tier: str
    """The band in which the next message lies, `100001:1000000`."""
    rate_nanos: int
    card: str
    next_from: int | None
    """The first message of the band after it; None in the last band."""
    next_rate_nanos: int | None


def progress(counts: Iterable[tuple[TallyName, int]], catalog: Catalog) -> list[Progress]:
    """The progress of every rate with several bands that messages were counted at; by portfolio, market, month and category.

    `counts` has each tally once, with its messages. The card is that of the newest day that has messages. Rates
    are Meta's, without any fee.
    """
    used: dict[tuple[str, str, str, str], int] = defaultdict(int)
    newest: dict[tuple[str, str, str, str, str, str], str] = {}
    for name, messages in counts:
        counter = (name.portfolio_id, name.market, name.family, name.month)
        used[counter] += messages
        if messages:
            rate = (*counter, name.category, name.currency)
            newest[rate] = max(newest.get(rate, ""), name.date)
    found = []
    for (portfolio_id, market, family, month, category, currency), date in newest.items():
        messages = used[portfolio_id, market, family, month]
        bands = catalog.bands(currency, market, category, date)
        if len(bands) > 1:
            now, following = _around(bands, messages + 1)
            found.append(
                Progress(
                    portfolio_id,
                    market,
                    family,
                    month,
                    category,
                    currency,
                    messages,
                    now.tier,
                    now.rate_nanos,
                    now.card,
                    None if now.tier_to is None else now.tier_to + 1,
                    None if following is None else following.rate_nanos,
                )
            )
    return sorted(found, key=lambda each: (each.portfolio_id, each.month, each.market, each.category, each.currency))


def place_in_month(counts: Iterable[tuple[TallyName, int]], name: TallyName) -> int:
    """Which message of its counter's month, from 1, the next one of a tally would be, in the order of the totals (contract §8).

    Of a tally whose phone number is not known (it is empty), it is the last one of its day.
    """
    in_counter = ((other, messages) for other, messages in counts if other.counter == name.counter)
    if not name.phone_number_id:
        return 1 + sum(messages for other, messages in in_counter if other.date <= name.date)
    return 1 + sum(messages for other, messages in in_counter if other.place <= name.place)


def _around(bands: tuple[Rate, ...], nth: int) -> tuple[Rate, Rate | None]:
    """The band that holds the n-th message, and the one after it."""
    for number, band in enumerate(bands):
        if band.tier_to is None or nth <= band.tier_to:
            return band, bands[number + 1] if number + 1 < len(bands) else None
    raise AssertionError("the last band has no end")
