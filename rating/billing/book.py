"""A billing account's records in state: the account itself, its units and licences, the commands it has seen, boundaries to be closed.

State keys begin with one byte for the kind and 16 for the account, so that all of an account lies together; then a sort field. Nothing is
written until a command is accepted: whoever refuses one leaves no trace but its id.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from rating.billing.records import (
    FORMAT,
    USER,
    Account,
    Boundary,
    LicenceHistory,
    decode_account,
    decode_boundary,
    decode_licence_history,
    encode,
)
from rating.ids import digest
from rating.stage import State

ACCOUNT: Final = b"A"
BOUNDARY: Final = b"B"
COMMAND: Final = b"C"
LICENCE: Final = b"L"
LICENCE_HISTORY: Final = b"E"
LOG: Final = b"O"
"""By number of arrival: the command as it came."""
UNIT: Final = b"U"
"""By number of addition: the command that added it."""
UNIT_BY_ID: Final = b"V"
"""By id: number of addition."""


class Book:
    """The records of one account. Cheap to make; it reads when asked."""

    def __init__(self, state: State, account_id: str) -> None:
        self._state = state
        self._owner = digest(account_id)
        self.account_id = account_id

    def account(self) -> Account:
        """The account's record: a copy that may be changed and thrown away, or saved. One that was never seen is empty."""
        known = self._state.get(ACCOUNT + self._owner)
        return Account(FORMAT, self.account_id) if known is None else decode_account(known)

    def save(self, account: Account) -> None:
        """Writes the account's record."""
        self._state.put(ACCOUNT + self._owner, encode(account))

    def has_seen(self, command_id: str) -> bool:
        """Whether a command of this id came before, refused ones included."""
        return self._state.get(COMMAND + self._owner + digest(command_id)) is not None

    def see(self, command_id: str) -> None:
        """Remembers a command's id."""
        self._state.put(COMMAND + self._owner + digest(command_id), b"")

    def log(self, arrival: int, command: bytes) -> None:
        """Keeps a command as it came; `arrival` is larger than that of any command of the account before it."""
        self._state.put(LOG + self._owner + arrival.to_bytes(8, "big"), command)

    def logged(self) -> Iterator[bytes]:
        """The commands that were kept, in their order."""
        return (command for _, command in self._state.range(LOG + self._owner))

    # Units

    def has_unit(self, contract: int, kind: int, unit_id: str) -> bool:
        """Whether a unit exists in a subscription; ids are per kind."""
        return self._state.get(self._by_id(contract, kind, unit_id)) is not None

    def add_unit(self, contract: int, kind: int, unit_id: str, place: int, command_id: str) -> None:
        """Adds a unit; `place` is larger than that of any unit of the account before it."""
        self._state.put(self._by_id(contract, kind, unit_id), place.to_bytes(8, "big"))
        self._state.put(self._units(contract, kind) + place.to_bytes(8, "big"), command_id.encode())

    def remove_unit(self, contract: int, kind: int, unit_id: str) -> None:
        """Removes a unit that exists."""
        key = self._by_id(contract, kind, unit_id)
        place = self._state.get(key)
        self._state.delete(key)
        self._state.delete(self._units(contract, kind) + (place or b""))

    def newest_units(self, contract: int, kind: int, count: int) -> tuple[str, ...]:
        """Ids of the commands that added the newest `count` units, in their order, each once."""
        bucket, low, high = self._range(self._units(contract, kind))
        newest = islice(self._state.range(bucket, low, high, reverse=True), count)
        return tuple(dict.fromkeys(reversed([value.decode() for _, value in newest])))

    # Licences

    def holds_licence(self, purchase: int, unit_id: str) -> bool:
        """Whether a user holds a licence of the add-on that was bought so."""
        return self._state.get(self._licence(purchase, unit_id)) is not None

    def assign(self, purchase: int, unit_id: str) -> None:
        """Gives a user a licence."""
        self._state.put(self._licence(purchase, unit_id), b"")

    def unassign(self, purchase: int, unit_id: str) -> None:
        """Takes it back."""
        self._state.delete(self._licence(purchase, unit_id))

    def licence_history(self, user_id: str | None) -> LicenceHistory:
        """From when to when a user held licences, None: what the account itself had. A copy that may be changed, and kept."""
        known = self._state.get(self._history(user_id))
        return LicenceHistory(FORMAT, user_id, []) if known is None else decode_licence_history(known)

    def keep_licence_history(self, history: LicenceHistory) -> None:
        """Writes a history."""
        self._state.put(self._history(history.user_id), encode(history))

    def licence_holders(self) -> list[str | None]:
        """Whoever has a history: None for the account itself, which comes first, then users by id. It reads all of them."""
        found = [decode_licence_history(value).user_id for _, value in self._state.range(LICENCE_HISTORY + self._owner)]
        return sorted(found, key=lambda user_id: (user_id is not None, user_id or ""))

    # Boundaries

    def put_boundary(self, contract: int, cycle: int, boundary: Boundary) -> None:
        """Keeps what was fixed at the end of a cycle."""
        self._state.put(self._boundary(contract, cycle), encode(boundary))

    def take_boundary(self, contract: int, cycle: int) -> Boundary:
        """Takes out what was fixed at the end of a cycle; nothing may have been."""
        key = self._boundary(contract, cycle)
        kept = self._state.get(key)
        if kept is None:
            return Boundary([], [], [])
        self._state.delete(key)
        return decode_boundary(kept)

    def _by_id(self, contract: int, kind: int, unit_id: str) -> bytes:
        return UNIT_BY_ID + self._owner + _place(contract, kind) + digest(unit_id)

    def _units(self, contract: int, kind: int) -> bytes:
        return UNIT + self._owner + _place(contract, kind)

    def _licence(self, purchase: int, unit_id: str) -> bytes:
        return LICENCE + self._owner + purchase.to_bytes(4, "big") + digest(unit_id)

    def _history(self, user_id: str | None) -> bytes:
        return LICENCE_HISTORY + self._owner + (b"" if user_id is None else digest(user_id))

    def _boundary(self, contract: int, cycle: int) -> bytes:
        return BOUNDARY + self._owner + contract.to_bytes(2, "big") + cycle.to_bytes(4, "big")

    @staticmethod
    def _range(prefix: bytes) -> tuple[bytes, bytes, bytes]:
        """Bucket and bounds of all keys that begin so."""
        rest = prefix[17:]
        return prefix[:17], rest, (int.from_bytes(rest, "big") + 1).to_bytes(len(rest), "big")


def _place(contract: int, kind: int) -> bytes:
    return contract.to_bytes(2, "big") + (b"u" if kind == USER else b"n")
