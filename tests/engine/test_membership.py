"""What a member of the group does when it is told nothing, which no broker does on demand: the coordinator is a stand-in."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from streams.guards.fatal import Exit
from streams.kafka import aiokafka_fixes

NO_PARTITIONS = ConsumerProtocolMemberAssignment(0, [], b"").encode()


@dataclass
class Coordinator:
    """Answers every request of one member in the same way."""

    assignment: bytes
    generation: int = 1
    member_id: str = "member"
    rejoins: int = 0
    _rebalance_timeout_ms: int = 1000
    _rejoin_needed_fut: Any = field(default=None)

    async def _send_req(self, _: Any) -> Any:
        return SimpleNamespace(error_code=0, member_assignment=self.assignment)

    def request_rejoin(self) -> None:
        self.rejoins += 1


@pytest.mark.parametrize(
    ("told", "assignment", "rejoins"),
    [
        pytest.param(b"", None, 1, id="told nothing: it joins again"),
        pytest.param(NO_PARTITIONS, NO_PARTITIONS, 0, id="told that it has no partitions: so it is"),
    ],
)
async def test_a_member_that_is_told_nothing_joins_again(told: bytes, assignment: bytes | None, rejoins: int) -> None:
    coordinator = Coordinator(told)
    rebalance = CoordinatorGroupRebalance(coordinator, "group", 1, None, [], 6000, 100)
    assert await aiokafka_fixes.sync_until_assigned(rebalance, None) == assignment
    assert coordinator.rejoins == rejoins


def _coordinates(log: Path) -> None:
    with log.open("wb") as output:
        for descriptor in (1, 2):
            os.dup2(output.fileno(), descriptor)

    async def fails(_: Any) -> None:
        raise ValueError("what nobody foresaw")

    member = SimpleNamespace(group_id="group", _subscription=SimpleNamespace(abort_waiters=lambda _: None))
    member._GroupCoordinator__coordination_routine = lambda: fails(member)
    asyncio.run(aiokafka_fixes.coordinate_or_end(member))


def test_a_member_whose_coordination_fails_ends_so_that_its_partitions_go_to_others(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = multiprocessing.get_context("spawn").Process(target=_coordinates, args=(log,), daemon=True)
    process.start()
    process.join(timeout=60)
    assert process.exitcode == Exit.UNEXPECTED, log.read_text()
    assert "worker ends" in log.read_text()
