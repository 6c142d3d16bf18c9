"""The worker's three pages: is it alive, is it ready, what has it counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import faust
from aiohttp import web
from faust.web import View
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.errors import UserError
from streams.pipeline.pipeline import Pipeline


@asynccontextmanager
async def serve(engine: Pipeline, bind: str, port: int) -> AsyncIterator[str]:
    """Serves `/healthz`, `/readyz` and `/metrics`; gives the address, whose port is a free one if 0 was asked for."""
    pages = web.Application()
    pages.router.add_get("/healthz", _alive)
    pages.router.add_get("/readyz", lambda _: _ready(engine))
    pages.router.add_get("/metrics", lambda _: _metrics(engine))
    runner = web.AppRunner(pages, access_log=None, shutdown_timeout=1.0)  # a slow reader must not delay the end
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, bind, port).start()
        except OSError as error:
            problem = f"port {port} of {bind} cannot be used ({error.strerror})"
            raise UserError(f"{problem}; choose another --web-port, 0 takes a free one") from None
        host, actual_port = runner.addresses[0][:2]
        yield f"http://{host}:{actual_port}"
    finally:
        await runner.cleanup()


def mount(app: faust.App, engine: Pipeline) -> None:
    """The same pages on Faust's own web server, beside those it has."""

    async def alive(view: View, _: Any) -> Any:
        return view.text("alive\n")

    async def ready(view: View, _: Any) -> Any:
        return view.text("ready\n") if engine.is_ready else view.text("restoring\n", status=503)

    async def metrics(view: View, _: Any) -> Any:
        engine.measure()
        return view.bytes(generate_latest(engine.metrics.registry), content_type=CONTENT_TYPE_LATEST.partition(";")[0])

    for path, page in (("/healthz", alive), ("/readyz", ready), ("/metrics", metrics)):
        app.page(path)(page)


async def _alive(_: web.Request) -> web.Response:
    """Whoever answers lives: a step that hangs ends the process by itself."""
    return web.Response(text="alive\n")


async def _ready(engine: Pipeline) -> web.Response:
    """503 until the group has given partitions and each is restored."""
    return web.Response(text="ready\n") if engine.is_ready else web.Response(text="restoring\n", status=503)


async def _metrics(engine: Pipeline) -> web.Response:
    engine.measure()
    return web.Response(body=generate_latest(engine.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
