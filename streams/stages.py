"""Makes the stages of the pipeline from the settings: the same for a worker and for the offline rater, so that they cannot differ."""

from __future__ import annotations

from rating.billing.invoice_stage import Invoicer
from rating.billing.usage_stage import UsageRouter
from rating.catalog import Catalog, CatalogProblems
from rating.meter import REDECISIONS_PER_STEP, Meter
from rating.stage import Stage
from rating.tiers.stage import Tier
from streams.billing.plans_files import plans_of
from streams.cards.catalog_files import load_directory
from streams.errors import UserError
from streams.settings import Settings


def meter_of(settings: Settings, *, as_known: str | None = None) -> Meter:
    """METER with the catalog, window basis and message ids of the settings, as for files: it forgets nothing, and nothing is too late.

    `as_known`: a new state begins with the catalog as it was known on that date; None: with everything that it knows. Raises `UserError`
    for a catalog that cannot be loaded.
    """
    return _meter(settings, None, as_known)


def forgetting_meter_of(settings: Settings) -> Meter:
    """The same for the stream: it forgets, as the settings say. Raises `UserError` likewise."""
    return _meter(settings, settings.horizon_days, None)


def replaying_meters_of(settings: Settings, as_known: str | None) -> tuple[Meter, Meter]:
    """The same twice, for a state that is made again: the second decides as little as it may in one step. `as_known` as in `meter_of`."""
    usual, careful = (_meter(settings, settings.horizon_days, as_known, most) for most in (REDECISIONS_PER_STEP, 1))
    return usual, careful


def _meter(settings: Settings, horizon_days: int | None, as_known: str | None, redecisions_per_step: int = REDECISIONS_PER_STEP) -> Meter:
    catalog = catalog_of(settings)
    return Meter(
        catalog if as_known is None else catalog.as_known(as_known),
        window_basis=settings.window_basis,
        hash_message_ids=settings.message_ids == "hashed",
        horizon_days=horizon_days,
        redecisions_per_step=redecisions_per_step,
    )


def stages_of(settings: Settings) -> dict[str, Stage]:
    """The stages of a worker, by name. Raises `UserError` as `meter_of` does."""
    plans = plans_of(settings.plans)
    return {"meter": forgetting_meter_of(settings), "tier": Tier(), "usage": UsageRouter(), "invoice": Invoicer(plans)}


def catalog_of(settings: Settings) -> Catalog:
    """The catalog of the settings. Raises `UserError` with every problem where it cannot be loaded."""
    try:
        return load_directory(settings.catalog)
    except CatalogProblems as error:
        raise UserError(*error.problems) from None
