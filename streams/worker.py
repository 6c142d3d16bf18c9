"""A worker process: one Faust app with one engine, from its start to its exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from types import FrameType

import structlog
import uvloop
from aiokafka.errors import KafkaConnectionError

from rating.stage import Stage
from streams import logs, selfcheck, topics, web
from streams.app import PipelineApp, make_app
from streams.errors import UserError
from streams.guards.fatal import die
from streams.kafka import aiokafka_fixes
from streams.kafka.clients import unreachable
from streams.kafka.collector import spare_what_stays
from streams.settings import Settings
from streams.stages import stages_of

log = structlog.get_logger(__name__)
STOP_TIMEOUT_S = 9.0
"""A container's runtime kills what has not stopped after ten seconds."""
CANCEL_EVERY_S = 0.1


def run_worker(
    settings: Settings,
    *,
    drain: bool = False,
    stages: Mapping[str, Stage] | None = None,
    stage_topics: Sequence[topics.Topic] = topics.WORKER,
) -> int:
    """Runs a worker until SIGTERM or SIGINT or, with `drain`, to the end of the input; returns 0.

    Raises `UserError` (its `exit_code` is 2 or 3) if it cannot start. Any other end is immediate, with a code of
    `streams.guards.fatal.Exit`. Without stages, by name, it runs METER and TIER.
    """
    logs.configure(settings)
    return uvloop.run(_run(settings, stages or stages_of(settings), stage_topics, drain))


async def _run(settings: Settings, stages: Mapping[str, Stage], stage_topics: Sequence[topics.Topic], drain: bool) -> int:
    aiokafka_fixes.apply()
    found = await selfcheck.check(settings, stage_topics, [topic for stage in stages.values() for topic in stage.inputs])
    if found.problems:
        raise UserError(*found.problems)
    app = make_app(settings, stages, draining=drain)
    spare_what_stays()
    stop = asyncio.Event()
    _stop_when_asked(asyncio.get_running_loop(), stop)
    async with web.serve(app.engine, settings.web_bind, settings.web_port) as address:
        log.info("worker starts", stages=list(stages), bootstrap=settings.bootstrap, pages=address, draining=drain)
        try:
            await app.start()
        except KafkaConnectionError:
            raise unreachable(settings) from None
        await _until_over(app, stop)
        await _stop(app)
    await end_what_is_left()
    log.info("worker stopped")
    return 0


def _stop_when_asked(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT ask to stop; a second one is not asking any more.

    These are the system's own handlers, not the loop's: they are heard as well while something holds the loop.
    """
    asked: list[int] = []

    def hear(signum: int, _: FrameType | None) -> None:
        if asked:
            os._exit(128 + signum)  # what is not committed is aborted by the next owner
        asked.append(signum)
        force = threading.Timer(STOP_TIMEOUT_S + 0.5, die, [TimeoutError(f"was asked to stop, and did not within {STOP_TIMEOUT_S:g} s")])
        force.daemon = True
        force.start()
        loop.call_soon_threadsafe(stop.set)

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, hear)


async def _until_over(app: PipelineApp, stop: asyncio.Event) -> None:
    """Until someone asks to stop, or the input is drained. A part of Faust that crashed ends the process."""
    over = [asyncio.create_task(event.wait()) for event in (stop, app.engine.finished, app._crashed)]
    await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
    for task in over:
        task.cancel()
    if app.crash_reason is not None:
        die(app.crash_reason, doing="running Faust")


async def _stop(app: PipelineApp) -> None:
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await app.stop()
    except TimeoutError as error:
        die(error, doing="stopping")


async def end_what_is_left() -> None:
    """Ends every other task. asyncio would do so too, but cancels once and waits: a task of aiokafka may take that for the cancellation of
    a request of its own, and go on.
    """
    while left := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=CANCEL_EVERY_S)
