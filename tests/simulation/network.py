"""What lies between a process and the cluster: delays, lost requests, lost answers, coordinators that are not there yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiokafka.errors import CoordinatorLoadInProgressError, KafkaConnectionError

from tests.simulation.world import DiedError, Process, World

BACKOFF_S = 0.1
"""How long aiokafka waits before it asks again."""


class Network:
    """Carries requests. Everything about it that varies comes from the world's seed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.slow = 0.0
        """Share of messages that take long, up to `slow_s`."""
        self.slow_s = 0.0
        self.lossy = 0.0
        """Share of requests that are lost, or whose answer is: the client sees that its connection broke."""
        self.absent = 0.0
        """Share of requests that a coordinator answers with: not now."""

    def delay_s(self) -> float:
        """How long a message takes."""
        rng = self.world.rng
        if self.slow and rng.random() < self.slow:
            return rng.random() * self.slow_s
        return 0.0002 + rng.random() * 0.002


class Connection:
    """One client's connection: requests arrive in the order they were sent, also those of a process that has died since."""

    def __init__(self, network: Network) -> None:
        process = asyncio.get_running_loop()
        if not isinstance(process, Process):
            raise TypeError("a simulated client lives in a simulated process")
        self.process = process
        self.network = network
        self._free_at_s = 0.0

    async def call(self, request: Callable[[], Any], *, loses: bool = False) -> Any:
        """Sends a request; returns what it answers, or raises that."""
        self.check()
        network, world = self.network, self.network.world
        answer = self.process.create_future()
        fate = world.rng.random() if loses and network.lossy else 1.0
        arrives_s = max(self._free_at_s, world.now_s + network.delay_s())
        self._free_at_s = arrives_s
        is_lost, is_unanswered = fate < network.lossy / 2, fate < network.lossy

        def arrive() -> None:
            result, error = None, None
            if is_lost:
                error = KafkaConnectionError()
            elif loses and network.absent and world.rng.random() < network.absent:
                error = CoordinatorLoadInProgressError()
            else:
                try:
                    result = request()
                except Exception as raised:
                    error = raised
                if is_unanswered:
                    error = KafkaConnectionError()
            world.after(network.delay_s(), lambda: self.process.call_soon(_settle, answer, result, error))

        world.after(arrives_s - world.now_s, arrive)
        return await answer

    def check(self) -> None:
        """Whatever a dead process still tries to do ends here."""
        if not self.process.is_alive:
            raise DiedError


def _settle(answer: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)
