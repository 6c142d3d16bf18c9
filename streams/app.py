"""The Faust app of the pipeline: a stateful agent for each stage, METER and TIER, fed with record batches.

`wameter worker` runs it; `faust -A streams.app worker` does too, with settings from `WAMETER_…` and `wameter.toml`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn

import faust
from faust.tables.manager import TableManager
from faust.types.auth import CredentialsT

from rating.stage import Stage
from streams import logs, selfcheck, topics, web
from streams.brokers import embedded
from streams.engine.engine import Engine
from streams.errors import UserError
from streams.kafka import aiokafka_fixes
from streams.kafka.batches import RecordBatch
from streams.kafka.channel import BatchChannel
from streams.kafka.clients import connection
from streams.kafka.transport import BatchTransport
from streams.metrics import Metrics
from streams.pipeline.pipeline import Pipeline
from streams.settings import Settings


class PipelineApp(faust.App):
    """A Faust app and the engines that its agents hand batches to."""

    engine: Pipeline
    at_start: Callable[[], Awaitable[None]] | None = None
    """What to do before anything else is started; it may end the process."""

    async def on_first_start(self) -> None:
        """Faust's hook."""
        if self.at_start is not None:
            await self.at_start()
        await super().on_first_start()


def make_app(settings: Settings, stages: Mapping[str, Stage], *, draining: bool = False) -> PipelineApp:
    """The app for stages, by name. Faust gives the group, the rebalances, the agents and the worker; the engines give the transactions."""
    aiokafka_fixes.apply()
    embedded.be_gentle()
    app = PipelineApp(
        settings.app_id,
        broker=[f"aiokafka://{address}" for address in settings.bootstrap_servers],
        broker_credentials=_credentials(settings),
        datadir=tempfile.gettempdir(),  # nothing is written: state lives in Kafka
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        broker_session_timeout=settings.session_timeout_ms / 1000,
        broker_request_timeout=settings.session_timeout_ms / 1000 + 10,
        stream_wait_empty=False,
        TableManager=_NoTables,
    )
    metrics = Metrics()
    app.engine = Pipeline([Engine(stage, name, settings, draining=draining, metrics=metrics) for name, stage in stages.items()])
    transport = BatchTransport(app.conf.broker_consumer, app)
    transport.host = app.engine
    app.transport = transport
    for topic in app.engine.inputs:
        app.topics.add(app.topic(settings.prefix + topic, key_type=bytes, value_type=bytes))
    for engine in app.engine.engines:
        _add_agent(app, engine)
    return app


def _add_agent(app: PipelineApp, engine: Engine) -> None:
    batches = engine.channel = BatchChannel(app, maxsize=1)

    @app.agent(batches, name=engine.stage_name)
    async def agent(stream: faust.StreamT[RecordBatch]) -> None:
        async for batch in stream:
            await engine.step(batch)


class _NoTables(TableManager):
    """State lies in the engine, so there is nothing to wait a second for, as Faust does at each start."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


def _credentials(settings: Settings) -> CredentialsT | None:
    """How the clients log in that Faust makes by itself: its producer, which we have no use for, is started all the same."""
    options = connection(settings)
    if settings.sasl_mechanism is not None:
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=settings.sasl_mechanism,
            ssl_context=options.get("ssl_context"),
        )
    return faust.SSLCredentials(options["ssl_context"]) if "ssl_context" in options else None


def faust_app(settings: Settings, stages: Mapping[str, Stage], stage_topics: Sequence[topics.Topic]) -> PipelineApp:
    """The app that Faust's own command line runs: it checks itself as `wameter worker` does, and its web server has our pages too."""
    app = make_app(settings, stages)
    app.conf.web_bind, app.conf.web_port = settings.web_bind, settings.web_port
    web.mount(app, app.engine)

    async def check_first() -> None:
        logs.configure(settings, sys.__stderr__)  # Faust makes log entries of what is written to sys.stderr
        try:
            found = await selfcheck.check(settings, stage_topics, app.engine.inputs)
        except UserError as error:
            _leave(error)
        if found.problems:
            _leave(UserError(*found.problems))

    app.at_start = check_first
    return app


def _leave(error: UserError) -> NoReturn:
    """Ends as the command line would: Faust makes a traceback of whatever is raised."""
    os.write(2, "".join(f"wameter worker: {sentence}\n" for sentence in error.sentences).encode())
    os._exit(error.exit_code)


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(name)
    from streams.settings import load
    from streams.stages import stages_of

    settings = load()
    return faust_app(settings, stages_of(settings), topics.WORKER)
