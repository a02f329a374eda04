"""The application, which `python -m dualtrain.api.server` serves."""

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import anyio.to_thread
import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from dualtrain.api import openapi, routes
from dualtrain.api.aggregator_process import aggregator_program, log_exit
from dualtrain.api.errors import exception_handlers
from dualtrain.api.events import webhooks
from dualtrain.api.middleware.authentication import Authentication, RateLimit
from dualtrain.api.middleware.body_limit import BodyLimit
from dualtrain.api.middleware.cookies import SessionCookie
from dualtrain.api.middleware.disconnects import Disconnects
from dualtrain.api.middleware.head_requests import HeadRequests
from dualtrain.api.middleware.host_check import HostCheck
from dualtrain.api.middleware.problem_responses import ProblemResponses
from dualtrain.api.middleware.recording import AccessLog, RequestMetrics
from dualtrain.api.middleware.request_context import RequestContext
from dualtrain.api.middleware.security_headers import SecurityHeaders
from dualtrain.api.server.config import raise_open_files_limit
from dualtrain.api.services import Services
from dualtrain.core.runtime.logs import configure
from dualtrain.core.runtime.supervisor import keep_running
from dualtrain.core.settings import Settings
from dualtrain.core.version import __version__

BODY_BYTES = 4 << 10
"""The largest body, unless a route sets its own limit."""
THREADS = 64
FLUSH_SECONDS = 2.0


def create_app(settings: Settings | None = None, *, aggregator: bool = True) -> FastAPI:
    """Return the service; without `aggregator` jobs only wait, for another process to take them."""
    settings = settings or Settings()
    services = Services.of(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(services, aggregator):
            yield

    app = FastAPI(title="dualtrain", version=__version__, description=openapi.DESCRIPTION, lifespan=lifespan,
                  middleware=middleware(services), redirect_slashes=False, separate_input_output_schemas=False,
                  docs_url=None, redoc_url=None,
                  generate_unique_id_function=lambda route: route.name)  # fmt: skip
    app.state.services = services
    exception_handlers.install(app)
    routes.include(app)
    openapi.install(app)
    return app


def middleware(services: Services) -> list[Middleware]:
    """Return the middleware, outermost first."""
    return [
        Middleware(RequestContext),
        Middleware(AccessLog),
        Middleware(RequestMetrics, counters=services.counters),
        Middleware(SecurityHeaders),
        Middleware(ProblemResponses),
        Middleware(SessionCookie),
        Middleware(HostCheck, hosts=services.hosts),
        Middleware(Authentication, keys=services.keys, access=services.access),
        Middleware(RateLimit, access=services.access),
        Middleware(BodyLimit, max_body_size=BODY_BYTES),
        Middleware(HeadRequests),
        Middleware(Disconnects),
    ]


@asynccontextmanager
async def running(services: Services, aggregator: bool) -> AsyncIterator[None]:
    """Run what belongs to the service beside its requests."""
    configure(services.logs.collect)
    raise_open_files_limit()
    logging.getLogger("uvicorn.access").disabled = True  # `AccessLog` logs requests, with their ids and keys
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    async with AsyncExitStack() as stack:
        stack.push_async_callback(services.close)
        services.pools.warm()
        stack.enter_context(listeners_end_at_signals(services))
        await stack.enter_async_context(in_background(services.fanout.run()))
        await stack.enter_async_context(in_background(_flush(services)))
        await stack.enter_async_context(in_background(_warm_index(services)))
        await stack.enter_async_context(in_background(services.sweep_runner.run_forever()))
        await stack.enter_async_context(in_background(webhooks.deliver_forever(services)))
        if aggregator:
            program = aggregator_program(services.settings)
            await stack.enter_async_context(in_background(keep_running(program, log_exit)))
        yield


@asynccontextmanager
async def in_background(work: Any) -> AsyncIterator[None]:
    """Run a coroutine while the context is open."""
    task = asyncio.create_task(work)
    task.add_done_callback(_tell_of_failure)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _tell_of_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        structlog.get_logger().error("work in the background has ended", work=str(task.get_coro()), exc_info=error)


@contextmanager
def listeners_end_at_signals(services: Services) -> Iterator[None]:
    """End open event streams when the process receives a stop signal; the server would wait for them forever."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(services.fanout.close)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        services.fanout.close()


async def _warm_index(services: Services) -> None:
    """Read all jobs once, so that the first list need not."""
    try:
        await run_in_threadpool(services.index.rows)
    except Exception as error:
        structlog.get_logger().warning("the jobs are read when they are first listed", error=str(error))


async def _flush(services: Services) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        try:
            await run_in_threadpool(services.counters.flush)
            await run_in_threadpool(services.logs.flush)
        except Exception as error:
            structlog.get_logger().warning("counters and logs wait for the store", error=str(error))
