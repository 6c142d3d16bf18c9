"""Making a failing run small: leave out whatever the failure doesn't need, and tell the rest to a person."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from rating.stage import Record, Tick
from tests.laws.driver import Run
from tests.laws.plans import Item, Plan

Fails = Callable[[Plan], bool]


def shrunk(plan: Plan, fails: Fails, *, seconds: float = 20) -> Plan:
    """A smaller plan that still fails, as small as it gets in the time: halves of the items are left out first, then single ones."""
    deadline = time.monotonic() + seconds
    items = [(number, item) for number, step in enumerate(plan.steps) for item in step]
    size = len(items) // 2
    while size and time.monotonic() < deadline:
        at, removed = 0, False
        while at < len(items) and time.monotonic() < deadline:
            fewer = items[:at] + items[at + size :]
            if _ends(fewer) and fails(_of(plan, fewer)):
                items, removed = fewer, True
            else:
                at += size
        size = size if removed and size == 1 else size // 2
    return _simpler(_of(plan, items), fails)


def _ends(items: list[tuple[int, Item]]) -> bool:
    """The end of the input stays: without it waits would never end."""
    return any(isinstance(item, Tick) and item.end_of_input for _, item in items)


def _of(plan: Plan, items: list[tuple[int, Item]]) -> Plan:
    """The plan with these items alone; steps without any stay, so that a restart keeps its place."""
    return replace(plan, steps=tuple(tuple(item for at, item in items if at == number) for number in range(len(plan.steps))))


def _simpler(plan: Plan, fails: Fails) -> Plan:
    for simpler in (replace(plan, restart_before=None), replace(plan, redecisions_per_step=1000, finishes_first=True)):
        if fails(simpler):
            plan = simpler
    without_empty = replace(plan, steps=tuple(step for step in plan.steps if step))
    return without_empty if fails(without_empty) else plan


def told(run: Run) -> str:
    """The run for a person: settings, then what came, step by step."""
    stream, plan = run.stream, run.plan
    lines = [
        f"seed {stream.seed}, allowance {stream.allowance}, window basis {stream.window_basis}, "
        f"{plan.redecisions_per_step} re-decisions per step, finishes first: {plan.finishes_first}"
    ]
    for number, step in enumerate(plan.steps):
        if number == plan.restart_before:
            lines.append("-- restart")
        lines += [f"{number:>3}  {_item(item)}" for item in step]
    return "\n".join(lines)


def _item(item: Item) -> str:
    if isinstance(item, Tick):
        return f"tick {item.at_ms}{' end of input' * item.end_of_input}"
    assert isinstance(item, Record)
    at = "" if item.appended_at_ms is None else f"  appended at {item.appended_at_ms}"
    return f"{(item.value or b'').decode(errors='replace')}{at}"
