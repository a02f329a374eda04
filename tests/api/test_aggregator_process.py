"""The aggregator's process: it is restarted when it dies, and ends with the API that started it."""

import asyncio
import os
import signal
import subprocess
import sys

import psutil

from dualtrain.api.aggregator_process import aggregator_program, log_exit
from dualtrain.core.runtime.supervisor import keep_running
from dualtrain.core.settings import Settings
from tests.waiting import until

API = """
import asyncio, uvloop
from dualtrain.api.aggregator_process import aggregator_program, log_exit
from dualtrain.core.runtime.supervisor import keep_running
from dualtrain.core.settings import Settings
uvloop.run(keep_running(aggregator_program(Settings()), log_exit))
"""


def aggregators(parent: int) -> list[psutil.Process]:
    children = psutil.Process(parent).children()
    return [child for child in children if "dualtrain.api.aggregator" in child.cmdline()]


def test_it_is_restarted_when_killed_and_stopped_in_the_end(settings: Settings) -> None:
    async def aggregator(*before: int) -> psutil.Process:
        async with asyncio.timeout(20):
            while not (living := [child for child in aggregators(os.getpid()) if child.pid not in before]):
                await asyncio.sleep(0.02)
        return living[0]

    async def play() -> psutil.Process:
        task = asyncio.create_task(keep_running(aggregator_program(settings), log_exit))
        first = await aggregator()
        first.send_signal(signal.SIGKILL)
        second = await aggregator(first.pid)
        task.cancel()
        await asyncio.wait([task])
        return second

    assert not asyncio.run(play()).is_running()


def test_it_ends_with_an_api_that_is_killed_while_it_starts(settings: Settings) -> None:
    with subprocess.Popen([sys.executable, "-c", API], env={**os.environ, **settings.environment()}) as api:
        (aggregator,) = until(lambda: aggregators(api.pid))
        api.kill()
    until(lambda: not psutil.pid_exists(aggregator.pid) or aggregator.status() == psutil.STATUS_ZOMBIE)


def test_files_of_the_current_folder_do_not_shadow_its_modules(settings: Settings) -> None:
    assert "-P" in aggregator_program(settings).command
