"""`dualtrain up`: what is killed comes back, what is stopped leaves nothing."""

import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from dualtrain.client import Client
from dualtrain.core.data import load
from dualtrain.core.loop import Training
from dualtrain.core.runtime.fingerprint import digest
from dualtrain.core.spec import JobSpec
from dualtrain.core.train import run
from tests.waiting import until

STOP_SECONDS = 90.0
JOB = {"epochs": 5, "gradient": {"method": "per-neuron"}, "evaluate_every": 200}


def part(supervisor: psutil.Process, name: str) -> psutil.Process | None:
    """The program whose command line holds `name`; one that is dead and not yet buried has none."""
    for process in psutil.process_iter(["ppid", "cmdline"]):
        if process.info["ppid"] == supervisor.pid and name in " ".join(process.info["cmdline"] or ()):
            return process
    return None


def kill_and_see_it_return(supervisor: psutil.Process, name: str) -> None:
    before = until(lambda: part(supervisor, name))
    before.kill()
    until(lambda: (after := part(supervisor, name)) and after.pid != before.pid)


def all_gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def test_a_job_outlives_every_part_of_the_stack(up: Any, tmp_path: Path) -> None:
    process = up(folder=tmp_path)
    url = process.stdout.readline().strip()
    supervisor = psutil.Process(process.pid)
    with Client(url) as client:
        quiet = client.submit(JOB).wait()
        job = client.submit(JOB)
        for name in ("dualtrain.api.server", "celery", "unixsocket", "unixsocket"):
            until(lambda: next((event for event in job.events() if event.type == "step"), None))
            kill_and_see_it_return(supervisor, name)
        ended = job.wait()
    assert ended.status == "succeeded"
    assert ended.model.sha256 == quiet.model.sha256
    family = supervisor.children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(STOP_SECONDS) == 0
    assert all_gone(family)
    assert "api was killed by SIGKILL" in process.stderr.read()


def test_more_shards_than_workers_change_no_bit(up: Any, tmp_path: Path) -> None:
    layers = [{"units": 100, "activation": "relu"}, {"units": 10, "activation": "softmax"}]
    spec = {"dataset": {"image_size": 28}, "network": {"layers": layers}, "batch_size": 1024, "max_steps": 6}
    process = up("--workers", "2", folder=tmp_path)
    with Client(process.stdout.readline().strip()) as client:
        until(lambda: len(client.workers()) == 2)
        job = client.submit(spec).wait()
    assert job.plan.shards > 2
    data = load("mnist", 28, tmp_path, ())
    assert job.model.sha256 == digest(run(Training(JobSpec.model_validate(spec), data)).parameters)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_however_it_ends_nothing_is_left(up: Any, number: signal.Signals) -> None:
    process = up()
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 6
    process.send_signal(number)
    assert process.wait(STOP_SECONDS) == (-number if number == signal.SIGKILL else 0)
    until(lambda: all_gone(family))


def test_the_same_folder_keeps_its_jobs(up: Any, tmp_path: Path) -> None:
    first = up(folder=tmp_path)
    with Client(first.stdout.readline().strip()) as client:
        job_id = client.submit({"max_steps": 5}).wait().id
    first.terminate()
    first.wait(STOP_SECONDS)
    second = up(folder=tmp_path)
    with Client(second.stdout.readline().strip()) as client:
        assert client.job(job_id).record.progress.step == 5


def test_a_stack_that_cannot_start_says_why_and_ends(up: Any, tmp_path: Path) -> None:
    kept = tmp_path / "store" / "appendonlydir"
    kept.mkdir(parents=True)
    (kept / "appendonly.aof.manifest").write_text("damaged")
    process = up(folder=tmp_path)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 1
    assert out == ""
    assert "store does not start" in err
    assert "manifest" in err


def test_strangers_are_refused_before_anything_starts(up: Any) -> None:
    process = up("--host", "0.0.0.0")
    out, err = process.communicate(timeout=200)
    assert process.returncode == 1
    assert out == ""
    assert err.startswith("error: DUALTRAIN_HOST is '0.0.0.0'")
    assert "Traceback" not in err
    assert "starts again" not in err


def test_what_it_waits_for_is_said(up: Any) -> None:
    process = up("--redis-url", "redis://127.0.0.1:9/0")
    said = next(line for line in process.stderr if "not ready yet" in line)
    assert "store: unavailable" in said
    process.send_signal(signal.SIGINT)
    assert process.wait(STOP_SECONDS) == 0


def test_a_port_that_is_taken(up: Any, url: str) -> None:
    process = up("--port", url.rpartition(":")[2])
    _, err = process.communicate(timeout=200)
    assert process.returncode == 1
    assert "--port" in err


def test_a_store_whose_file_ends_in_zeros_is_repaired_and_keeps_its_jobs(up: Any, tmp_path: Path) -> None:
    first = up(folder=tmp_path)
    with Client(first.stdout.readline().strip()) as client:
        job_id = client.submit({"max_steps": 1}).wait().id
    first.terminate()
    first.wait(STOP_SECONDS)
    with next((tmp_path / "store" / "appendonlydir").glob("*.incr.aof")).open("ab") as file:
        file.write(bytes(4096))
    second = up(folder=tmp_path)
    with Client(second.stdout.readline().strip()) as client:
        assert client.job(job_id).record.status == "succeeded"
    second.terminate()
    assert "They were moved to" in second.communicate(timeout=STOP_SECONDS)[1]


def test_a_second_stack_on_a_redis_joins_the_first_and_says_so(up: Any, start_server: Any, tmp_path: Path) -> None:
    url = start_server("--appendonly", "yes", "--appendfsync", "always")
    first = up("--redis-url", url)
    with Client(first.stdout.readline().strip()) as client:
        job = client.submit({"max_steps": 300})
        second = up("--redis-url", url)
        joined = next(line for line in second.stderr if "joins another one" in line)
        assert "aggregators: 1 at work" in joined
        with Client(second.stdout.readline().strip()) as other:
            assert other.job(job.id).wait().status == "succeeded"
            assert len(other.workers()) == 2
        second.terminate()
        assert second.wait(STOP_SECONDS) == 0
        assert client.submit({"max_steps": 1}).wait().status == "succeeded"


def test_faults_of_a_given_redis_are_said(up: Any, start_server: Any) -> None:
    process = up("--redis-url", start_server("--appendonly", "no"))
    process.stdout.readline()
    process.terminate()
    messages = process.communicate(timeout=STOP_SECONDS)[1]
    assert "FAIL store's appendonly: no" in messages
    assert "CONFIG SET appendonly yes" in messages
