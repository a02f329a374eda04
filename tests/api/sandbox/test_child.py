"""A child process: its limits hold whatever it reads, and it leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from dualtrain.api.sandbox import child as module
from dualtrain.api.sandbox.child import Child
from dualtrain.api.sandbox.errors import CannotStart, Failed, OverLimit
from dualtrain.api.sandbox.limits import Limits
from dualtrain.api.sandbox.messages import Message
from dualtrain.api.sandbox.spool import in_memory
from dualtrain.core.data import DatasetError
from dualtrain.core.spec import JobSpec
from dualtrain.core.validation import Invalid
from tests.hostile.files import empty_objects, progressive_jpeg
from tests.waiting import until

LIMITS = Limits(memory_bytes=1 << 30, processor_seconds=30, wall_seconds=60)
SPEC = JobSpec().model_dump_json()
MODEL = {
    "job_id": "j",
    "step": 0,
    "spec": SPEC,
    "dtype": "float32",
    "classes": list("0123456789"),
    "preprocessing": "mnist",
}
PREDICT = {"model": MODEL, "preview": False, "content_type": "multipart/form-data; boundary=b"}
INFER = {"model": MODEL, "name": "j", "header_length": None}
Scenario = Callable[[Child], Awaitable[None]]


def with_child(scenario: Scenario, niceness: int = 19) -> None:
    """Run a scenario with a child, and see the child end."""

    async def run() -> None:
        child = await Child({}, niceness).ready()
        process = psutil.Process(child.pid)
        try:
            await scenario(child)
        finally:
            await child.end()
        assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE

    asyncio.run(run())


@contextmanager
def files(*contents: bytes) -> Iterator[tuple[int, ...]]:
    descriptors = tuple(in_memory(content) for content in contents)
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def form(*pictures: bytes) -> bytes:
    head = b'--b\r\ncontent-disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    return b"".join(head + picture + b"\r\n" for picture in pictures) + b"--b--\r\n"


async def call(
    child: Child, operation: str, arguments: dict[str, Any], *contents: bytes, limits: Limits = LIMITS
) -> Message:
    async def no_answer(question: dict[str, Any]) -> Message:
        raise DatasetError("asked", str(question))

    with files(*contents) as descriptors:
        return await child.call(operation, Message(arguments, files=descriptors), limits, no_answer)


def test_it_serves_one_request_after_another() -> None:
    async def scenario(child: Child) -> None:
        for _ in range(3):
            reply = await call(child, "time_round", {"spec": SPEC})
            assert 0 < reply.document["result"]["update_seconds"] < reply.document["result"]["batch_seconds"]
        assert child.usable

    with_child(scenario)


def test_a_refused_request_raises_the_operations_own_error_and_the_child_lives_on() -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(Invalid) as caught:
            await call(child, "predict", PREDICT | {"content_type": "application/json"}, b'{"pixels":[[1]]}', b"")
        assert [fault.code for fault in caught.value.faults] == ["wrong_length"]
        with pytest.raises(Failed, match="KeyError"):
            await call(child, "no such operation", {})
        assert child.usable

    with_child(scenario)


def test_too_much_processor_time_is_an_error_that_says_so() -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(OverLimit, match="1 s of a processor"):
            picture = form(*[progressive_jpeg(50)] * 20)
            await call(child, "predict", PREDICT, picture, b"", limits=Limits(1 << 30, 1, 60))
        assert not child.usable

    with_child(scenario)


def test_too_much_time_is_an_error_that_says_so() -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(OverLimit, match="more than 1 s"):
            await call(
                child, "predict", PREDICT, form(*[progressive_jpeg(50)] * 20), b"", limits=Limits(1 << 30, 60, 1.0)
            )
        assert not child.usable

    with_child(scenario)


def test_too_much_memory_is_an_error_that_says_so() -> None:
    body = b'{"inputs":[{"name":"input","shape":[1,784],"datatype":"FP32","data":[' + b"0.5," * 4_000_000 + b"0]}]}"

    async def scenario(child: Child) -> None:
        with pytest.raises(OverLimit, match="memory"):
            await call(child, "infer", INFER, body, b"", limits=Limits(64 << 20, 30, 60))
        assert not child.usable

    with_child(scenario)


def test_empty_objects_are_refused_before_they_are_parsed() -> None:
    async def scenario(child: Child) -> None:
        before = psutil.Process(child.pid).memory_info().rss
        with pytest.raises(ValueError, match="JSON objects"):
            await call(child, "infer", INFER, empty_objects(43 << 20), b"")
        assert psutil.Process(child.pid).memory_info().rss - before < 200 << 20

    with_child(scenario)


def test_a_cancelled_call_ends_the_child() -> None:
    async def scenario(child: Child) -> None:
        task = asyncio.create_task(call(child, "predict", PREDICT, form(*[progressive_jpeg(50)] * 20), b""))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not child.usable

    with_child(scenario)


def test_a_long_request_runs_behind_everything_else_and_ends_its_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONG_SECONDS", 0.2)

    async def scenario(child: Child) -> None:
        task = asyncio.create_task(
            call(child, "predict", PREDICT, form(*[progressive_jpeg(50)] * 4, progressive_jpeg(300)), b"")
        )
        await asyncio.sleep(0.6)
        assert psutil.Process(child.pid).nice() == 19
        with pytest.raises(Invalid):
            await task
        assert not child.usable

    with_child(scenario, niceness=15)


def test_an_unanswered_question_is_raised_and_the_child_lives_on() -> None:
    async def scenario(child: Child) -> None:
        arguments = PREDICT | {"model": None, "content_type": "application/json"}
        with pytest.raises(DatasetError, match="'model': 'mine'"):
            await call(child, "predict", arguments, b'{"pixels":[[1]],"model":"mine"}')
        assert child.usable

    with_child(scenario)


def test_it_has_no_secrets_and_ignores_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('imported from the folder')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUALTRAIN_REDIS_URL", "redis://:password@127.0.0.1/0")
    monkeypatch.setenv("HF_TOKEN", "token")

    async def scenario(child: Child) -> None:
        environment = Path(f"/proc/{child.pid}/environ").read_text()
        assert "password" not in environment
        assert "token" not in environment.lower()
        assert psutil.Process(child.pid).nice() == 19

    with_child(scenario)


def test_a_machine_without_processes_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start() -> None:
        await Child({}, 19).ready()

    monkeypatch.setattr(module, "COMMAND", ("/no/such/program",))
    with pytest.raises(CannotStart, match="cannot be started"):
        asyncio.run(start())
    monkeypatch.setattr(module, "COMMAND", ("/bin/false",))
    with pytest.raises(CannotStart, match="does not start"):
        asyncio.run(start())


PARENT = """
import asyncio, sys
from dualtrain.api.sandbox import child as module
from dualtrain.api.sandbox.child import Child
async def main():
    child = await Child({}, 19).ready()
    print(child.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def test_it_dies_with_its_parent() -> None:
    with subprocess.Popen((sys.executable, "-c", PARENT), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
