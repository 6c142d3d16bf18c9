"""One step's work in progress: records decoded once, outputs in order, and the deliveries still to be decided again.

It lives for one step. At the end `settle` writes every touched record back to the state and publishes the totals.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Final

import msgspec

from rating import keys
from rating.profiles import identity
from rating.records import (
    FORMAT,
    Delivery,
    Job,
    Ledger,
    Profiles,
    Sending,
    decode_delivery,
    decode_job,
    decode_ledger,
    decode_profiles,
    encode,
)
from rating.stage import PREFIX_BYTES, Effects, Output, State
from rating.totals import Totals

FIRST_MEMBER: Final = b"\x01"
"""In a message's bucket: sorts after the message itself and before every participant."""


class Workbench:
    """Cached access to a partition's facts for the length of one step."""

    def __init__(self, state: State, redecisions: int) -> None:
        self.state = state
        self.outputs: list[Output] = []
        self.counts: Counter[str] = Counter()
        self.totals = Totals(state)
        known = state.get(keys.LEDGER_KEY)
        self.ledger = Ledger() if known is None else decode_ledger(known)
        self.redecisions_left = redecisions
        self._deliveries: dict[bytes, Delivery] = {}
        self._clocks: dict[bytes, int] = {}
        self._profiles: dict[str, Profiles | None] = {}
        self._kept: dict[bytes, Profiles | None] = {}
        self._names: dict[str, bytes] = {}
        self._due: deque[bytes] = deque()
        self._jobs: deque[Job] = deque()

    # Deliveries

    def delivery(self, key: bytes) -> Delivery | None:
        """The delivery under a key, to be changed in place, or None."""
        found = self._deliveries.get(key)
        if found is None:
            known = self.state.get(key)
            if known is None:
                return None
            found = self._deliveries[key] = decode_delivery(known)
        return found

    def delivery_or_new(self, phone_number_id: str, message_id: str, participant: str) -> tuple[bytes, Delivery]:
        """The delivery with its key, made where there is none."""
        key = keys.delivery(phone_number_id, message_id, participant)
        found = self.delivery(key)
        if found is None:
            found = Delivery(FORMAT, phone_number_id, message_id, participant)
            self._deliveries[key] = found
            if participant:
                self.state.put(key, encode(found))  # so that a range over the message's members finds it in this step
        return key, found

    def sent_of_message(self, delivery: Delivery) -> Sending | None:
        """The `sent` that speaks for all members of a group, where this member's own is missing."""
        if not delivery.participant or delivery.sent is not None:
            return None
        message = self.delivery(keys.message_bucket(delivery.phone_number_id, delivery.message_id))
        return None if message is None else message.sent

    # What must be decided again

    def decide(self, delivery_key: bytes) -> None:
        """Marks one delivery."""
        self._due.append(delivery_key)

    def decide_range(self, bucket: bytes, low: bytes, high: bytes | None, phone_number_id: str = "") -> None:
        """Marks every delivery of a stretch of an index; see `deliveries_of` for which indexes there are."""
        self._jobs.append(Job(bucket, low, high, phone_number_id))

    def resume(self) -> None:
        """Takes up what an earlier step left."""
        for key, value in list(self.state.range(keys.JOBS)):
            self._jobs.append(decode_job(value))
            self.state.delete(key)

    def due(self) -> Iterator[tuple[bytes, bytes]]:
        """Index (its first byte) and key of the next deliveries, while the step's allotment lasts; single ones come first and always.

        What it yields may add more.
        """
        while True:
            while self._due:
                yield keys.DELIVERY, self._due.popleft()
            if not self._jobs or self.redecisions_left <= 0:
                return
            job = self._jobs.popleft()
            if _ends_every_wait(job) and not all(map(_ends_every_wait, self._jobs)):
                self._jobs.append(job)  # what the others decide may begin to wait, and nothing comes after this to end it
                continue
            chunk = [key for key, _ in self._take(job)]
            for key in chunk:
                yield key[:1], delivery_key_in(key, job.phone_number_id)
                while self._due:
                    yield keys.DELIVERY, self._due.popleft()

    def _take(self, job: Job) -> list[tuple[bytes, bytes]]:
        """As much of a job as the allotment allows; the rest stays as a job."""
        found: list[tuple[bytes, bytes]] = []
        for entry in self.state.range(job.bucket, job.low, job.high):
            if len(found) == self.redecisions_left:
                self._jobs.append(Job(job.bucket, entry[0][PREFIX_BYTES:], job.high, job.phone_number_id))
                break
            found.append(entry)
        self.redecisions_left -= len(found)
        return found

    # Clocks and profiles

    def clock_ms(self, phone_number_id: str) -> int:
        """The phone number's clock: the greatest event time it has seen; 0 before the first."""
        key = keys.of_owner(keys.CLOCK, phone_number_id)
        found = self._clocks.get(key)
        if found is None:
            known = self.state.get(key)
            found = self._clocks[key] = 0 if known is None else keys.at(known)
        return found

    def move_clock(self, phone_number_id: str, to_ms: int) -> None:
        """Sets the clock; the caller never moves it back."""
        self._clocks[keys.of_owner(keys.CLOCK, phone_number_id)] = to_ms

    def profiles(self, account_id: str) -> Profiles | None:
        """The account's profiles as known now."""
        if account_id not in self._profiles:
            known = self.state.get(keys.of_owner(keys.PROFILES, account_id))
            self._profiles[account_id] = None if known is None else decode_profiles(known)
        return self._profiles[account_id]

    def set_profiles(self, account_id: str, profiles: Profiles | None) -> None:
        """Replaces them; None forgets the account."""
        self._profiles[account_id] = profiles
        self._names.pop(account_id, None)
        key = keys.of_owner(keys.PROFILES, account_id)
        if profiles is None:
            self.state.delete(key)
        else:
            self.state.put(key, encode(profiles))

    def kept_profiles(self, name: bytes) -> Profiles | None:
        """A set of versions that was kept under this name, as it was then."""
        if name not in self._kept:
            known = self.state.get(keys.PROFILES_AS_KNOWN + name)
            self._kept[name] = None if known is None else decode_profiles(known)
        return self._kept[name]

    def keep_profiles(self, account_id: str) -> bytes:
        """Keeps the account's present versions for the corrections of what is rated with them; returns their name."""
        name = self._names.get(account_id)
        if name is not None:
            return name
        profiles = self.profiles(account_id)
        if profiles is None:
            raise AssertionError("a delivery was rated without a profile")
        name = identity(profiles)
        if self.kept_profiles(name) is None:
            self._kept[name] = msgspec.structs.replace(profiles, in_use=True)
            self.state.put(keys.PROFILES_AS_KNOWN + name, encode(self._kept[name]))
            self.set_profiles(account_id, self._kept[name])
        self._names[account_id] = name
        return name

    # The end

    def publish(self, output: Output, what: str) -> None:
        """Appends an output and counts it."""
        self.outputs.append(output)
        self.counts[what] += 1

    def settle(self) -> Effects:
        """Writes back what was touched and returns what the step did."""
        for key, delivery in self._deliveries.items():
            self.state.put(key, encode(delivery))
        for key, clock_ms in self._clocks.items():
            self.state.put(key, keys.instant(clock_ms))
        for number, job in enumerate(self._jobs):
            self.state.put(keys.JOBS + number.to_bytes(4, "big"), encode(job))
        self.state.put(keys.LEDGER_KEY, encode(self.ledger))
        return Effects([*self.outputs, *self.totals.settle()], self.counts, unfinished=bool(self._jobs))


def _ends_every_wait(job: Job) -> bool:
    return job.bucket == keys.WAITS_BY_APPEND and job.high is None


def delivery_key_in(index_key: bytes, phone_number_id: str) -> bytes:
    """The delivery that an entry of an index is about."""
    kind, sort = index_key[:1], index_key[PREFIX_BYTES:]
    if kind == keys.DELIVERY:
        return index_key
    if kind == keys.UNKNOWN_ACCOUNT:
        return keys.DELIVERY + sort
    if kind == keys.WAIT_BY_APPEND:
        return keys.DELIVERY + sort[keys.TIME_BYTES :]
    message_id, participant = keys.named(sort)
    return keys.delivery(phone_number_id, message_id, participant)
