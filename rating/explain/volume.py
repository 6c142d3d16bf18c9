"""What a message is counted in for volume bands, and how its total divides among them, by a meter's state."""

from __future__ import annotations

from rating.explain.facts import BandShare, VolumeFound
from rating.figures import in_band
from rating.records import Figures, decode_tally
from rating.stage import State
from rating.tiers.division import divided
from rating.tiers.naming import TallyName, tally_of
from rating.totals import total_text


def volume_of(state: State, figures: Figures) -> VolumeFound | None:
    """Where a charged message with these figures is counted; None where its rate has a single band.

    As far as the meter has been told where the portfolio's edges lie: where it has not, everything is in the first band.
    """
    terms, name = figures.terms, tally_name(figures)
    if terms is None or name is None or len(terms.bands) < 2:
        return None
    known = state.get(name.state_key)
    tally = None if known is None else decode_tally(known)
    messages = 0 if tally is None else tally.messages
    below = tally.below if tally is not None and tally.below is not None else [None] * (len(terms.bands) - 1)
    shares = divided(messages, below)
    return VolumeFound(
        portfolio_id=terms.portfolio_id,
        market=figures.market,
        family=name.family,
        month=name.month,
        date=figures.date,
        messages=messages,
        bands=tuple(
            BandShare(band.tier, band.cost_nanos, band.amount_nanos, share) for band, share in zip(terms.bands, shares, strict=True)
        ),
    )


def tally_name(figures: Figures) -> TallyName | None:
    """The tally in which messages with these figures are counted; None where they are not."""
    return None if figures.terms is None else tally_of(figures.terms, total_text(figures).record_key)


def settled(figures: Figures, volume: VolumeFound | None) -> Figures:
    """The figures at the price of a band in which messages of the total lie: as they are if theirs is one, else the first."""
    if volume is None or figures.terms is None or not volume.held or figures.tier in [band.tier for band in volume.held]:
        return figures
    return in_band(figures, figures.terms.bands[volume.bands.index(volume.held[0])])
