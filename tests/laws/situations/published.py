"""What METER published on the way: corrections, mended deliveries, interruptions."""

from __future__ import annotations

from collections.abc import Iterator

from rating.ids import delivery_id
from tests.laws.check import Checked
from tests.laws.driver import Run
from tests.laws.situations.registry import situation
from tests.streams_generator.catalog import KNOWN_LATER


def _said(run: Run) -> Iterator[tuple[str, ...]]:
    """Of each delivery the reasons of its charges, in the order they were published."""
    for published in run.watch.lines.values():
        yield tuple(line["reason"] for line in published if line["kind"] == "charge")


def _corrected(name: str, *reasons: str) -> None:
    """Registers: some delivery's lines said this, one directly after the other."""

    def question(checked: Checked) -> bool:
        return any(
            said[start : start + len(reasons)] == reasons
            for run in checked.runs
            for said in _said(run)
            for start in range(len(said) - len(reasons) + 1)
        )

    situation(name)(question)


_corrected("a late inbound reverses a charge", "outside_window", "in_window")
_corrected("an inbound taken back charges what was free", "in_window", "outside_window")
_corrected("a unit is displaced from the allowance", "allowance", "allowance_used")
_corrected("a unit returns to the allowance", "allowance_used", "allowance")
_corrected("a unit returns after displacement", "allowance", "allowance_used", "allowance")


@situation("a late free entry point reverses")
def _late_entry_point(checked: Checked) -> bool:
    return any("free_entry_point" in said[1:] for run in checked.runs for said in _said(run))


@situation("a free entry point is taken back")
def _entry_point_taken_back(checked: Checked) -> bool:
    return any("free_entry_point" in said[:-1] for run in checked.runs for said in _said(run))


@situation("a message is corrected three times")
def _thrice(checked: Checked) -> bool:
    return any(len(said) > 3 for run in checked.runs for said in _said(run))


@situation("a line becomes unrated")
def _becomes_unrated(checked: Checked) -> bool:
    return any(run.watch.lines.get(delivery) for run in checked.runs for delivery in run.watch.unrated)


@situation("an unrated delivery is mended")
def _mended(checked: Checked) -> bool:
    return any(delivery in run.watch.live for run in checked.runs for delivery in run.watch.was_unrated)


@situation("a late profile rates what waited")
def _late_profile(checked: Checked) -> bool:
    return any(
        "unknown_account" in reasons and delivery in run.watch.live
        for run in checked.runs
        for delivery, reasons in run.watch.was_unrated.items()
    )


@situation("interrupted, with work left over at some step")
def _interrupted(checked: Checked) -> bool:
    return any(run.restarted and run.was_unfinished for run in checked.runs)


def _reversed_by(checked: Checked, command: str) -> bool:
    return any(
        (line.get("cause") or {}).get("type") == command for run in checked.runs for lines in run.watch.lines.values() for line in lines
    )


@situation("a void takes a line back")
def _void_line(checked: Checked) -> bool:
    return _reversed_by(checked, "void")


@situation("a void comes before its message is billed")
def _early_void(checked: Checked) -> bool:
    return any(delivery_id(*key) not in checked.runs[0].watch.lines for key in checked.oracle.voided)


@situation("a reprice takes a line back")
def _repriced(checked: Checked) -> bool:
    return _reversed_by(checked, "reprice")


@situation("a line keeps what was known, and then a command moves it")
def _kept(checked: Checked) -> bool:
    return any(
        [line["known_at"] for line in lines if line["kind"] == "charge"][-2:] == [None, KNOWN_LATER]
        for run in checked.runs
        for lines in run.watch.lines.values()
    )


@situation("rejected records between the others")
def _rejected(checked: Checked) -> bool:
    return bool(checked.oracle.rejected)
