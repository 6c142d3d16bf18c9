"""The Faust app of the pipeline: one stateful agent, METER, fed with record batches.

`wameter worker` runs it; `faust -A streams.app worker` does too, with settings from `WAMETER_…` and `wameter.toml`.
"""

from __future__ import annotations

import tempfile
from typing import Any

import faust
from faust.tables.manager import TableManager

from rating.stage import Stage
from streams.brokers import embedded
from streams.engine import aiokafka_fixes
from streams.engine.batches import RecordBatch
from streams.engine.engine import Engine
from streams.engine.transport import BatchChannel, BatchTransport
from streams.settings import Settings


class PipelineApp(faust.App):
    """A Faust app and the engine that its agent hands batches to."""

    engine: Engine


def make_app(settings: Settings, stage: Stage, stage_name: str = "meter", *, draining: bool = False) -> PipelineApp:
    """The app for a stage. Faust gives the group, the rebalances, the agent and the worker; the engine gives the transactions."""
    aiokafka_fixes.apply()
    embedded.be_gentle()
    app = PipelineApp(
        settings.app_id,
        broker=[f"aiokafka://{address}" for address in settings.bootstrap_servers],
        datadir=tempfile.gettempdir(),  # nothing is written: state lives in Kafka
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        broker_session_timeout=settings.session_timeout_ms / 1000,
        broker_request_timeout=settings.session_timeout_ms / 1000 + 10,
        stream_wait_empty=False,
        TableManager=_NoTables,
    )
    app.engine = Engine(stage, stage_name, settings, draining=draining)
    transport = BatchTransport(app.conf.broker_consumer, app)
    transport.host = app.engine
    app.transport = transport
    for topic in stage.inputs:
        app.topics.add(app.topic(settings.prefix + topic, key_type=bytes, value_type=bytes))
    batches = app.engine.channel = BatchChannel(app, maxsize=1)

    @app.agent(batches, name=stage_name)
    async def meter(stream: faust.StreamT[RecordBatch]) -> None:
        async for batch in stream:
            await app.engine.step(batch)

    return app


class _NoTables(TableManager):
    """State lies in the engine, so there is nothing to wait a second for, as Faust does at each start."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(name)
    from streams.settings import load
    from streams.stages import meter_of

    settings = load()
    return make_app(settings, meter_of(settings))
