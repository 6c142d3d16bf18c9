"""METER: the taximeter itself, as a stage.

It is keyed by the business phone number, which is part of every window, every allowance and every total: each of them has one writer. A
record becomes a fact, facts mark deliveries, and each marked delivery is decided again. That is all; the order of arrival leaves no trace
in the totals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from rating import keys, licences, waits
from rating.activation import active, learned
from rating.agenda import TOTAL, Agenda
from rating.allowance import FREE_PER_MONTH
from rating.catalog import Catalog
from rating.commands import REFUSED as COMMAND_REFUSED
from rating.commands import TOPIC as COMMANDS
from rating.commands import Commands
from rating.compliance import TOPIC as COMPLIANCE
from rating.compliance import Compliance
from rating.figures import Library
from rating.forgetting import Forgetting
from rating.horizon import Horizon
from rating.intake import REJECTED, Intake
from rating.licences import TOPIC as LICENCES
from rating.lines import RATED, UNRATED, Publisher
from rating.profiles import ProfileRefusedError, version_of, with_version
from rating.records import FORMAT
from rating.redecide import Redecision
from rating.rejects import REJECTS, rejected_record
from rating.rulebooks import Rulebook
from rating.stage import CATALOG, Effects, Record, State, Tick
from rating.tiers.naming import BANDS, COUNTS
from rating.tiers.wire import MalformedError, read_bands
from rating.totals import TOPIC as TOTALS
from rating.workbench import Workbench
from schemas.decode import Rejection, decode_event
from schemas.licences import decode_licences
from schemas.profiles import decode_profile
from schemas.rejections import INVALID_FIELD, PROFILE_CONFLICT

MESSAGES: Final = "whatsapp.messages"
ACCOUNTS: Final = "whatsapp.accounts"
PROFILE_REFUSED: Final = "profile_refused"
BANDS_REFUSED: Final = "bands_refused"
LICENCES_REFUSED: Final = "licences_refused"

CLOCK_TOLERANCE_MS: Final = 24 * 60 * 60 * 1000
"""An event dated further than this beyond its append time is rated, but moves no clock."""

REDECISIONS_PER_STEP: Final = 1000
"""How many deliveries one step decides again for ranges that changed; the rest waits for the next step."""


class Meter:
    """Tracks windows, free entry points, allowances and deliveries; publishes lines, totals, unrated and rejected records."""

    inputs: Final = (MESSAGES, BANDS, COMMANDS)
    broadcast: Final = (ACCOUNTS, LICENCES)
    outputs: Final = (RATED, TOTALS, UNRATED, REJECTS, COUNTS, COMPLIANCE)

    def __init__(
        self,
        catalog: Catalog,
        *,
        allowance: int = FREE_PER_MONTH,
        window_basis: Literal["delivered", "sent"] = "delivered",
        hash_message_ids: bool = False,
        redecisions_per_step: int = REDECISIONS_PER_STEP,
        horizon_days: int | None = None,
        always_rulebook: Rulebook | None = None,
    ) -> None:
        """`window_basis` is the instant that a window must cover: of delivery (seed S003) or of sending. `allowance` is at least 1.

        `horizon_days` is how long facts are remembered by their phone number's clock. 0: for ever, but another stage may go on with the
        state and forget. None: for ever, and nothing is kept track of, as offline.

        `always_rulebook` decides on all dates: for the question what would be. No published line may ever come of it.

        A state that is new begins with `catalog` as it is given here: `catalog.as_known(…)` makes one that knows less. Whatever it learned
        by any other time it has too.
        """
        if allowance < 1:
            raise ValueError(f"an allowance of {allowance} places; a rulebook without one has no allowance clause instead")
        self._catalog = catalog
        self._library = Library(catalog, always_rulebook)
        self._allowance = allowance
        self._window_by_sent = window_basis == "sent"
        self._publisher = Publisher(hash_message_ids=hash_message_ids)
        self._redecisions_per_step = redecisions_per_step
        self._horizon_days = horizon_days
        self.identity: Final[Mapping[str, str]] = {
            CATALOG: learned(catalog),
            "window_basis": window_basis,
            "message_ids": "hashed" if hash_message_ids else "plain",
            "allowance": str(allowance),
            "state_format": str(FORMAT),
        }

    def step(self, state: State, batch: Sequence[Record | Tick]) -> Effects:
        """Applies records in order. An empty batch goes on with work that an earlier step left.

        What an event changes is decided before the next record is looked at, so what is published does not depend on where batches end, as
        long as no step's allotment is used up. Commands come after the events of their step.
        """
        in_force = active(state, self._catalog, self._catalog)
        agenda = None if self._horizon_days is None else Agenda(state)
        bench = Workbench(state, self._redecisions_per_step, agenda)
        horizon = None if agenda is None else Horizon(bench, agenda, self._horizon_days or 0)
        intake = Intake(bench, window_by_sent=self._window_by_sent)
        book = self._library.as_known(in_force.known_at)
        redecision = Redecision(bench, self._library, book, self._publisher, allowance=self._allowance, window_by_sent=self._window_by_sent)
        commands = Commands(bench, redecision, self._catalog, in_force)
        compliance = Compliance(bench, self._publisher)
        bench.resume()
        _decide_and_judge(bench, redecision, compliance)
        for item in batch:
            if isinstance(item, Tick):
                waits.end_by_append_time(bench, None if item.end_of_input else item.at_ms)
            elif item.topic == ACCOUNTS:
                _profile(bench, item)
            elif item.topic == BANDS:
                _bands(bench, item)
            elif item.topic == LICENCES:
                _licences(bench, item)
            elif item.topic == COMMANDS:
                _command(bench, commands, item)
            else:
                _event(bench, intake, item, horizon)
            _decide_and_judge(bench, redecision, compliance)
        bench.has_orders = commands.execute()
        if agenda is not None and horizon is not None:
            for key, figures in bench.totals.new:
                if figures.terms is None:  # others move the edges of volume bands over it, by clocks of their own: it stays
                    agenda.dated(bench.number(figures.phone_number_id), TOTAL, key, figures.date)
            Forgetting(bench, book, agenda, horizon, window_by_sent=self._window_by_sent).sweep(len(batch))
        return bench.settle()


def _decide_and_judge(bench: Workbench, redecision: Redecision, compliance: Compliance) -> None:
    """Whatever is marked, until nothing is: what ends every wait comes after the last judgement."""
    redecision.decide_all()
    while bench.to_judge:
        compliance.judge_all()
        redecision.decide_all()


def _event(bench: Workbench, intake: Intake, record: Record, horizon: Horizon | None) -> None:
    if record.appended_at_ms is not None:
        bench.ledger.appended_at_ms = max(bench.ledger.appended_at_ms or 0, record.appended_at_ms)
    event = decode_event(record.value or b"")
    if isinstance(event, Rejection):
        bench.ledger.events[REJECTED] = bench.ledger.events.get(REJECTED, 0) + 1
        bench.publish(rejected_record(record, event), REJECTED)
        return
    bench.counts[event.type] += 1
    if horizon is not None and not horizon.admits(event, record):
        return
    side = intake.take(event)
    bench.counts[side] += 1
    if horizon is not None:
        horizon.taken(event, record, side)
    if record.appended_at_ms is not None and event.time_ms <= record.appended_at_ms + CLOCK_TOLERANCE_MS:
        waits.end_by_clock(bench, event.phone_number_id, bench.move_clock(event.phone_number_id, event.time_ms))


def _bands(bench: Workbench, record: Record) -> None:
    """Takes in where the edges of volume bands lie; lines follow when the step is settled. It is an event of no ledger."""
    try:
        name, below = read_bands(record)
    except MalformedError as error:
        bench.publish(rejected_record(record, Rejection(INVALID_FIELD, str(error))), BANDS_REFUSED)
        return
    bench.tallies.tell(name, below)


def _command(bench: Workbench, commands: Commands, record: Record) -> None:
    """Takes a command. One that is refused goes to `usage.rejected`; it is an event of no ledger."""
    refused = commands.take(record)
    if refused is not None:
        bench.publish(rejected_record(record, refused), COMMAND_REFUSED)


def _profile(bench: Workbench, record: Record) -> None:
    """Takes a version of a profile; a tombstone forgets the account. What waited for the account is decided again.

    A profile that is refused goes to `usage.rejected`. It is an event of no ledger: nothing of it was to be billed.
    """
    if record.value is None:
        if record.key is not None:
            bench.set_profiles(record.key.decode(errors="replace"), None)
        return
    profile = decode_profile(record.value)
    if isinstance(profile, Rejection):
        bench.publish(rejected_record(record, profile, only_in=record.partition), PROFILE_REFUSED)
        return
    try:
        known = bench.profiles(profile.account_id)
        profiles = with_version(known and known.profiles, profile.account_id, version_of(profile))
    except ProfileRefusedError as refused:
        # Whether an account was rated with a profile is known where its phone numbers are: each such partition speaks for itself.
        only_in = record.partition if refused.is_known_everywhere else None
        bench.publish(rejected_record(record, Rejection(PROFILE_CONFLICT, str(refused)), only_in=only_in), PROFILE_REFUSED)
        return
    bench.set_profiles(profile.account_id, profiles)
    bench.decide_range(keys.of_owner(keys.UNKNOWN_ACCOUNT, profile.account_id), b"", None)


def _licences(bench: Workbench, record: Record) -> None:
    """Takes a record of licences, or a tombstone. One that cannot be read goes to `usage.rejected`; it is an event of no ledger."""
    if record.value is None:
        if record.key is not None:
            licences.take(bench, record.key, None)
        return
    told = decode_licences(record.value)
    if isinstance(told, Rejection):
        bench.publish(rejected_record(record, told, only_in=record.partition), LICENCES_REFUSED)
        return
    licences.take(bench, told.key if record.key is None else record.key, told)
