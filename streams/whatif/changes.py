"""What is to be different: cards, the rulebook, fees. Everything else of the second rating is as in the first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from rating.catalog import CatalogProblems
from rating.meter import Meter
from rating.rulebooks import RULEBOOKS, Rulebook
from schemas.decode import Rejection
from schemas.profiles import decode_profile
from streams.cards.catalog_files import load_directory
from streams.errors import UserError
from streams.settings import Settings
from streams.stages import catalog_of


@dataclass(frozen=True, slots=True)
class Changes:
    """Those a person asks about; None: as it is."""

    cards: Path | None = None
    """A catalog directory laid over the shipped one, instead of the settings'."""
    rulebook: str | None = None
    """The id of the rulebook for all dates, also those before any."""
    fee_percent: str | None = None
    fee_decimals: int | None = None
    """4 if only the percentage is given. Both replace the fee of every account and version."""

    def check(self) -> None:
        """Raises `UserError` for a fee that no profile could have."""
        if self.fee_decimals is not None and self.fee_percent is None:
            raise UserError("--fee-decimals says how --fee is rounded; give --fee too")
        if self.fee_percent is not None:
            verdict = decode_profile(self.applied_to(b'{"account_id":"a","timezone":"UTC","currency":"USD"}'))
            if isinstance(verdict, Rejection):
                raise UserError(f"--fee: {verdict.detail}; write a percentage with at most nine digits on either side, as 12.5")

    def applied_to(self, profile: bytes) -> bytes:
        """A profile with the other fee. One that can't be read stays as it is: the stage refuses it."""
        if self.fee_percent is None:
            return profile
        try:
            record: Any = orjson.loads(profile)
        except orjson.JSONDecodeError:
            return profile
        if not isinstance(record, dict):
            return profile
        decimals = {} if self.fee_decimals is None else {"decimals": self.fee_decimals}
        return orjson.dumps({**record, "fee": {"percent": self.fee_percent, **decimals}})

    def stage(self, settings: Settings) -> Meter:
        """METER as it would be. Raises `UserError` for a catalog that cannot be loaded."""
        try:
            catalog = catalog_of(settings) if self.cards is None else load_directory(self.cards)
        except CatalogProblems as error:
            raise UserError(*error.problems) from None
        return Meter(catalog, window_basis=settings.window_basis, always_rulebook=self._rulebook())

    def _rulebook(self) -> Rulebook | None:
        return None if self.rulebook is None else next(each for each in RULEBOOKS if each.id == self.rulebook)
