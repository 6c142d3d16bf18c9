"""One step's work in progress: records decoded once, outputs in order, and the deliveries still to be decided again.

It lives for one step. At the end `settle` writes every touched record back to the state and publishes the totals.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Final

import msgspec

from rating import keys
from rating.agenda import Agenda
from rating.leaves import Leaves
from rating.lines import RATED
from rating.profiles import Known, known_by
from rating.records import (
    FORMAT,
    Cause,
    Delivery,
    Job,
    Ledger,
    PhoneNumber,
    Profiles,
    decode_delivery,
    decode_job,
    decode_ledger,
    decode_number,
    encode,
)
from rating.stage import PREFIX_BYTES, Effects, Output, State
from rating.tiers.tallies import ADJUSTMENT, Tallies
from rating.totals import Totals
from schemas.decode import Event

FIRST_MEMBER: Final = b"\x01"
"""In a message's bucket: sorts after the message itself and before every participant."""

_BY_APPEND: Final = frozenset({keys.WAIT_BY_APPEND, keys.NOTICE_BY_APPEND})
_BY_CLOCK: Final = frozenset({keys.WAIT, keys.NOTICE})


class Workbench:
    """Cached access to a partition's facts for the length of one step."""

    def __init__(self, state: State, redecisions: int, agenda: Agenda | None = None) -> None:
        """`agenda` is kept by who forgets; None where nothing is ever forgotten."""
        self.state = state
        self.agenda = agenda
        self.outputs: list[Output] = []
        self.counts: defaultdict[str, int] = defaultdict(int)
        """For metrics only."""
        self.totals = Totals(state)
        self.tallies = Tallies(state)
        self.leaves = Leaves(state)
        known = state.get(keys.LEDGER_KEY)
        self.ledger = Ledger() if known is None else decode_ledger(known)
        self.redecisions_left = redecisions
        self._deliveries: dict[bytes, Delivery] = {}
        self._numbers: dict[str, PhoneNumber] = {}
        self.next_wait_ms: dict[str, int] = {}
        """When the first wait of a phone number ends, where that is known."""
        self._due: deque[bytes] = deque()
        self._marked: dict[bytes, bool] = {}
        """What is in `_due`, and whether its wait is over."""
        self._jobs: deque[Job] = deque()
        self.is_sweeping = False
        """Whether something that is due to leave must wait for the next step."""
        self.to_judge: dict[bytes, int] = {}
        """Deliveries whose `sent` is to be judged again, and what about it."""
        self.has_orders = False
        """Whether a command waits for the next step."""
        self.cause: Cause | None = None
        """The command by which a delivery is being decided."""

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

    def peek(self, key: bytes) -> Delivery | None:
        """The delivery under a key as it is by now, to be looked at only: this step will not write it back."""
        found = self._deliveries.get(key)
        if found is None and (known := self.state.get(key)) is not None:
            found = decode_delivery(known)
        return found

    def drop(self, key: bytes) -> None:
        """Removes a delivery from the state."""
        self._deliveries.pop(key, None)
        self.state.delete(key)

    def delivery_of(self, event: Event, participant: str) -> tuple[bytes, Delivery]:
        """The delivery that a status event is about with its key, made where there is none."""
        key = keys.delivery(event.phone_number_id, event.message_id, participant)
        found = self.delivery(key)
        if found is None:
            found = self.add(key, Delivery(FORMAT, event.phone_number_id, event.message_id, participant, event.account_id, event.user))
        return key, found

    def add(self, key: bytes, delivery: Delivery) -> Delivery:
        """Takes a delivery that is new under its key; returns it."""
        self._deliveries[key] = delivery
        if delivery.participant:
            self.state.put(key, encode(delivery))  # so that a range over the message's members finds it in this step
        return delivery

    def message_of(self, delivery: Delivery) -> Delivery | None:
        """The message itself, whose `sent` speaks for all members of a group, where this member's own is missing."""
        if not delivery.participant or delivery.sent is not None:
            return None
        return self.delivery(keys.message_bucket(delivery.phone_number_id, delivery.message_id))

    # What must be decided again

    def decide(self, delivery_key: bytes, *, wait_is_over: bool = False) -> None:
        """Marks one delivery."""
        if delivery_key not in self._marked:
            self._due.append(delivery_key)
            self._marked[delivery_key] = wait_is_over
        elif wait_is_over:
            self._marked[delivery_key] = True

    def decide_range(self, bucket: bytes, low: bytes, high: bytes | None, phone_number_id: str = "") -> None:
        """Marks every delivery of a stretch of an index; `bucket` is one of those that name deliveries."""
        self._jobs.append(Job(bucket, low, high, phone_number_id))

    def judge(self, delivery_key: bytes, about: int) -> None:
        """Marks the `sent` of a delivery to be judged by who may send what."""
        self.to_judge[delivery_key] = self.to_judge.get(delivery_key, 0) | about

    def judge_range(self, bucket: bytes, low: bytes, high: bytes | None, *, phone_number_id: str = "", about: int) -> None:
        """Marks those of a stretch of an index."""
        self._jobs.append(Job(bucket, low, high, phone_number_id, about=about))

    def resume(self) -> None:
        """Takes up what an earlier step left."""
        for key, value in list(self.state.range(keys.JOBS)):
            self._jobs.append(decode_job(value))
            self.state.delete(key)

    @property
    def has_work(self) -> bool:
        """Whether deliveries must be decided again, or commands carried out, that this step's allotment left."""
        return bool(self._jobs) or self.has_orders

    def next_due(self) -> tuple[bytes, bool] | None:
        """The next delivery to decide, and whether its wait is over; None when nothing is left for this step.

        Ranges come first, as far as the step's allotment goes; single deliveries come always. Deciding one may mark more.
        """
        if self._jobs:
            self._mark_ranges()
        if not self._due:
            return None
        delivery_key = self._due.popleft()
        return delivery_key, self._marked.pop(delivery_key)

    def _mark_ranges(self) -> None:
        while (job := self._next_job()) is not None:
            for index, delivery_key in self._take(job):
                if job.about:
                    self.judge(delivery_key, job.about)
                    continue
                self.decide(delivery_key, wait_is_over=index in keys.WAITS)
                if index == keys.SENT and len(delivery_key) == PREFIX_BYTES:
                    self.decide_range(delivery_key, FIRST_MEMBER, None)

    def _next_job(self) -> Job | None:
        """The one that ends every wait comes last: what the others decide may begin to wait, and nothing comes after it to end that."""
        if not self._jobs or self.redecisions_left <= 0:
            return None
        for _ in range(len(self._jobs)):
            if not _ends_every_wait(self._jobs[0]):
                return self._jobs.popleft()
            self._jobs.rotate(-1)
        return None if self._due or self.to_judge else self._jobs.popleft()

    def _take(self, job: Job) -> list[tuple[bytes, bytes]]:
        """Index and delivery of as much of a job as the allotment allows; the rest stays as a job."""
        found: list[tuple[bytes, bytes]] = []
        for sort in self._entries(job):
            if len(found) == self.redecisions_left:
                self._jobs.append(Job(job.bucket, sort, job.high, job.phone_number_id, about=job.about))
                break
            found.append(_named_by(job, sort))
        self.redecisions_left -= len(found)
        return found

    def _entries(self, job: Job) -> Iterator[bytes]:
        """Sort fields of the entries of a job, with their kind where they lie in leaves."""
        if job.bucket[:1] not in keys.IN_LEAVES:
            for key, _ in self.state.range(job.bucket, job.low, job.high):
                yield key[PREFIX_BYTES:]
            return
        kind, high = job.low[:1], None if job.high is None else job.high[1:]
        for sort, _ in self.leaves.of(job.bucket).range(kind, job.low[1:], high):
            yield kind + sort

    # Clocks and profiles

    def number(self, phone_number_id: str) -> PhoneNumber:
        """A phone number's clock, to be changed in place."""
        found = self._numbers.get(phone_number_id)
        if found is None:
            key = keys.of_owner(keys.CLOCK, phone_number_id)
            known = self.state.get(key)
            found = self._numbers[phone_number_id] = PhoneNumber(FORMAT, phone_number_id) if known is None else decode_number(known)
            if known is None:
                self.state.put(key, encode(found))  # so that it is found under its key in this step
        return found

    def number_under(self, key: bytes) -> PhoneNumber:
        """The phone number whose clock lies under this key; there must be one."""
        known = self.state.get(key)
        if known is None:
            raise AssertionError("a phone number without a clock")
        number = decode_number(known)
        return self._numbers.setdefault(number.phone_number_id, number)

    def touched_numbers(self) -> list[PhoneNumber]:
        """Those that this step has asked for."""
        return list(self._numbers.values())

    def move_clock(self, phone_number_id: str, to_ms: int) -> int:
        """Moves the clock forward; an older time leaves it. Returns what it is then."""
        number = self.number(phone_number_id)
        if to_ms > number.clock_ms:
            number.clock_ms = to_ms
        return number.clock_ms

    def profiles(self, account_id: str) -> Known | None:
        """The account's profiles as known now."""
        encoded = self.state.get(keys.of_owner(keys.PROFILES, account_id))
        return None if encoded is None else known_by(encoded)

    def set_profiles(self, account_id: str, profiles: Profiles | None) -> None:
        """Replaces them; None forgets the account."""
        key = keys.of_owner(keys.PROFILES, account_id)
        if profiles is None:
            self.state.delete(key)
        else:
            self.state.put(key, encode(profiles))

    def kept_profiles(self, name: bytes) -> Known | None:
        """A set of versions that was kept under this name, as it was then."""
        encoded = self.state.get(keys.PROFILES_AS_KNOWN + name)
        return None if encoded is None else known_by(encoded)

    def keep_profiles(self, account_id: str, known: Known) -> None:
        """Keeps the account's present versions for the corrections of what is rated with them."""
        if self.state.get(keys.PROFILES_AS_KNOWN + known.name) is None:
            in_use = msgspec.structs.replace(known.profiles, in_use=True)
            self.state.put(keys.PROFILES_AS_KNOWN + known.name, encode(in_use))
            self.set_profiles(account_id, in_use)

    # The end

    def publish(self, output: Output, what: str) -> None:
        """Appends an output and counts it."""
        self.outputs.append(output)
        self.counts[what] += 1

    def settle(self) -> Effects:
        """Writes back what was touched and returns what the step did."""
        for key, delivery in self._deliveries.items():
            self.state.put(key, encode(delivery))
        self.leaves.settle()
        for phone_number_id, clock in self._numbers.items():
            self.state.put(keys.of_owner(keys.CLOCK, phone_number_id), encode(clock))
        for number, job in enumerate(self._jobs):
            self.state.put(keys.JOBS + number.to_bytes(4, "big"), encode(job))
        self.state.put(keys.LEDGER_KEY, encode(self.ledger))
        moved = self.tallies.settle(self.totals)
        if moved:
            self.counts[ADJUSTMENT] += sum(output.topic == RATED for output in moved)
        return Effects([*self.outputs, *moved, *self.totals.settle()], self.counts, unfinished=self.has_work or self.is_sweeping)


def _ends_every_wait(job: Job) -> bool:
    return job.bucket in keys.ENDS_BY_APPEND and job.high is None


def _named_by(job: Job, sort: bytes) -> tuple[bytes, bytes]:
    """Which index an entry belongs to, and the delivery that it names."""
    bucket = job.bucket[:1]
    if bucket == keys.DELIVERY:
        return bucket, job.bucket + sort
    if bucket == keys.UNKNOWN_ACCOUNT:
        return bucket, keys.DELIVERY + sort
    if bucket in _BY_APPEND:
        return bucket, keys.DELIVERY + sort[keys.TIME_BYTES :]
    if bucket == keys.SENDERS:
        return bucket, keys.DELIVERY + keys.sent_by(sort)
    if bucket in _BY_CLOCK:
        return bucket, keys.delivery(job.phone_number_id, *keys.named(sort))
    kind = sort[:1]
    if kind == keys.BILLED:
        return kind, keys.DELIVERY + sort[1 + keys.TIME_BYTES :]
    return kind, keys.delivery(job.phone_number_id, *keys.named(sort[1:]))
