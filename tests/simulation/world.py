"""Virtual time, processes and their death: everything that happens is ordered by one heap and one seed.

A process has an event loop of its own. Within it callbacks run in the order asyncio promises; which process runs next, how long each
message between processes takes, and when one is killed or frozen is what the seed decides. Waiting costs nothing.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from itertools import count
from random import Random
from typing import Any, NoReturn

EPOCH_S = 1_800_000_000.0
"""What the wall clock shows when a run begins."""


class DiedError(BaseException):
    """This process is no more. Nothing that catches it can do anything with effect."""


class StuckError(Exception):
    """Nothing is left to happen, or too much happened, and the run's end was not reached."""


class World:
    """One run's time, randomness and processes."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.now_s = 0.0
        self.processes: list[Process] = []
        self.trace: list[str] = []
        self.callbacks = 0
        """How many callbacks ran: the cost of a run, and a bound on it."""
        self._events: list[tuple[float, float, int, Process | None, Callable[[], object], asyncio.TimerHandle | None]] = []
        self._number = count()
        self._running: Process | None = None

    def say(self, text: str) -> None:
        """Adds a line to the trace, under the present time."""
        self.trace.append(f"{self.now_s:9.4f}  {text}")

    def after(self, delay_s: float, action: Callable[[], object]) -> None:
        """Does something outside of all processes: at the broker, on the network, at the supervisor."""
        heapq.heappush(self._events, (self.now_s + delay_s, self.rng.random(), next(self._number), None, action, None))

    def timer(self, process: Process, handle: asyncio.TimerHandle) -> None:
        """Has a callback of a process become ready at its time."""
        heapq.heappush(self._events, (handle.when(), 0.0, next(self._number), process, _nothing, handle))

    def spawn(self, name: str, main: Callable[[], Coroutine[Any, Any, None]]) -> Process:
        """Starts a process."""
        process = Process(self, name)  # type: ignore[abstract] # of an event loop's many methods asyncio's own code needs these few
        self.processes.append(process)
        process.call_soon(lambda: process.create_task(main()))
        return process

    @property
    def running(self) -> Process:
        """The process whose code is running."""
        if self._running is None:
            raise RuntimeError("no process is running")
        return self._running

    def run(self, until: Callable[[], bool], *, limit_s: float, limit_callbacks: int = 200_000) -> None:
        """Lets things happen until the condition holds; raises `StuckError` if that does not come about."""
        end_s = self.now_s + limit_s
        while not until():
            ready = [process for process in self.processes if process.ready and not process.is_frozen]
            if ready:
                self._turn(ready[0] if len(ready) == 1 else self.rng.choice(ready))
            elif not self._events or self.now_s > end_s or self.callbacks > limit_callbacks:
                raise StuckError(f"no end after {self.now_s:.1f} s and {self.callbacks} callbacks")
            else:
                self._advance()

    def end(self) -> None:
        """Drops every process."""
        for process in list(self.processes):
            process.die("the run is over")
            process.dispose()
        self._events.clear()

    def _advance(self) -> None:
        at_s, _, _, process, action, handle = heapq.heappop(self._events)
        self.now_s = max(self.now_s, at_s)
        if process is None:
            action()
        elif handle is not None and not handle.cancelled() and process.is_alive:
            process.ready.append(handle)

    def _turn(self, process: Process) -> None:
        """What one iteration of an event loop does: everything that was ready when it began."""
        asyncio._set_running_loop(process)
        self._running = process
        try:
            for _ in range(len(process.ready)):
                if process.fuse >= 0:
                    process.fuse -= 1
                    if process.fuse < 0:
                        process.burn()
                if not process.ready or process.is_frozen:
                    break
                handle = process.ready.popleft()
                if not handle.cancelled():
                    self.callbacks += 1
                    handle._run()
        finally:
            asyncio._set_running_loop(None)
            self._running = None


class Process(asyncio.AbstractEventLoop):
    """A simulated process: an event loop that may be frozen, and that dies without anything of it going on."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.ready: deque[asyncio.Handle] = deque()
        self.is_alive = True
        self.is_frozen = False
        self.why = ""
        """Why it died."""
        self.fuse = -1
        self.burn: Callable[[], object] = _nothing
        self.on_death: Callable[[], object] = _nothing
        self.on_thaw: Callable[[], object] = _nothing
        self._tasks: list[asyncio.Task[Any]] = []

    def die(self, why: str) -> None:
        """Ends it here and now. Requests that it has sent may still arrive."""
        if not self.is_alive:
            return
        self.world.say(f"{self.name} ends: {why}")
        self.why = why
        self.is_alive = False
        self.is_frozen = False
        self.ready.clear()
        self.world.processes.remove(self)
        self.on_death()
        self.world.after(0, self.dispose)

    def light(self, callbacks: int, burn: Callable[[], object]) -> None:
        """Calls `burn` after so many more callbacks of this process, that is at one of its awaits; negative: never."""
        self.fuse, self.burn = callbacks, burn

    def exit(self, why: str) -> NoReturn:
        """As `die`, called from code of this very process."""
        self.die(why)
        raise DiedError

    def freeze(self, seconds: float) -> None:
        """Stops it for a while, as SIGSTOP would. Its timers fire when it thaws."""
        if self.is_alive and not self.is_frozen:
            self.world.say(f"{self.name} is frozen for {seconds:.3f} s")
            self.is_frozen = True
            self.world.after(seconds, self._thaw)

    def _thaw(self) -> None:
        if self.is_alive:
            self.world.say(f"{self.name} goes on")
            self.is_frozen = False
            self.on_thaw()

    def dispose(self) -> None:
        """Unwinds what its tasks were doing, so that no garbage collector does it later. Nothing they do now has any effect."""
        asyncio._set_running_loop(self)
        self.world._running = self
        try:
            for task in self._tasks:
                task._log_destroy_pending = False  # type: ignore[attr-defined] # asyncio's own switch for tasks dropped on purpose
                coroutine = task.get_coro()
                for _ in range(20):
                    if task.done():
                        break
                    try:
                        coroutine.throw(DiedError())
                    except (BaseException, StopIteration):
                        break
        finally:
            asyncio._set_running_loop(None)
            self.world._running = None
            self._tasks.clear()
            self.ready.clear()

    # What asyncio asks of an event loop

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override] # typeshed has type variables here
        handle = asyncio.Handle(callback, args, self, context)
        if self.is_alive:
            self.ready.append(handle)
        return handle

    def call_later(  # type: ignore[override] # typeshed has type variables here
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.world.now_s + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override] # typeshed has type variables here
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self.world.timer(self, handle)
        return handle

    def time(self) -> float:
        return self.world.now_s

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        self._tasks.append(task)
        if len(self._tasks) > 100:
            self._tasks = [each for each in self._tasks if not each.done()]
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if self.is_alive and error is not None and not isinstance(error, DiedError):
            self.world.say(f"{self.name}: nobody asked for {error!r}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are skipped when their time comes."""


def _nothing() -> None:
    return None
