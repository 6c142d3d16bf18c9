"""Rates one phone number's events once more, record by record, and watches one message; where the records come from is not asked here.

The stage is the pipeline's own, so what is watched is what a worker does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rating.explain.explainer import Explainer
from rating.explain.facts import Explanation
from rating.explain.history import History
from rating.ids import hashed_message_id
from rating.meter import Meter
from rating.stage import Record, State, Tick
from schemas.decode import Rejection, decode_event
from streams.errors import UserError
from streams.offline import OfflineHost, bands_records
from streams.settings import Settings
from streams.stages import catalog_of


def explainer_of(settings: Settings) -> Explainer:
    """An explainer with the settings of the meter that rates. Raises `UserError` for a catalog that cannot be loaded."""
    return Explainer(catalog_of(settings), window_by_sent=settings.window_basis == "sent")


class Search:
    """Finds the phone number that a message belongs to, in records that are looked at once."""

    def __init__(self, settings: Settings, message_id: str, phone_number_id: str | None, where: Callable[[Record], str]) -> None:
        """With the setting `message_ids: hashed` the message may be named by its hash as well, as published lines do."""
        self._wanted = message_id
        self._of = phone_number_id
        self._where = where
        self._by_hash = settings.message_ids == "hashed"
        self._name = message_id.encode()
        self._found: dict[str, str] = {}
        """Phone number to message id."""
        self._refused: list[str] = []
        self.partitions: set[int] = set()
        """Of the records that are about the message."""
        self.records = 0

    def take(self, record: Record) -> None:
        """Looks at one record."""
        self.records += 1
        value = record.value or b""
        if not self._by_hash and self._name not in value and b"\\" not in value:
            return
        event = decode_event(value)
        if isinstance(event, Rejection):
            if self._name in value:
                self._refused.append(f"{self._where(record)}: {event.detail or event.reason} ({event.reason})")
        elif self._is_wanted(event.message_id) and self._of in (None, event.phone_number_id):
            self._found[event.phone_number_id] = event.message_id
            self.partitions.add(record.partition)

    def _is_wanted(self, message_id: str) -> bool:
        return message_id == self._wanted or (self._by_hash and hashed_message_id(message_id) == self._wanted)

    def found(self) -> tuple[str, str] | None:
        """Phone number and message id, None where it was never seen. Raises `UserError` where it is a message of several numbers."""
        if len(self._found) > 1:
            numbers = ", ".join(sorted(self._found))
            raise UserError(f"{self._wanted} is a message of several phone numbers ({numbers}); choose one with --phone-number")
        return next(iter(self._found.items()), None)

    def concerns(self, record: Record, phone_number_id: str) -> bool:
        """Whether a record may be about that phone number, or may be one that names the message and is no event."""
        value = record.value or b""
        return phone_number_id.encode() in value or self._name in value or b"\\" in value

    def nothing(self, read_from: str) -> Explanation:
        """The explanation of a message that was never seen."""
        return Explanation(self._wanted, None, refused=tuple(self._refused), records_read=self.records, read_from=read_from)


class Watch:
    """A run of the stage under the eyes of a history."""

    def __init__(self, meter: Meter, history: History) -> None:
        self._host = OfflineHost(meter)
        self._history = history

    @property
    def state(self) -> State:
        """What the meter remembers now."""
        return self._host.state

    def take(self, record: Record) -> None:
        """Rates one record."""
        self._history.saw(record, self._host.step([record]))

    def hear(self, bands: Mapping[bytes, bytes | None]) -> None:
        """Tells the meter where the edges of volume bands lie, by record key: what TIER has published."""
        for batch in bands_records(bands):
            self._host.step(batch)

    def tick(self, at_ms: int) -> None:
        """Lets time pass, as a worker's host does where no record comes."""
        tick = Tick(at_ms)
        self._history.saw(tick, self._host.step([tick]))

    def end(self) -> None:
        """Ends every wait, as at the end of the input."""
        self._history.saw(Tick(0, end_of_input=True), self._host.end())
