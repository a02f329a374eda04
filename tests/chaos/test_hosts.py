"""Workers and aggregators on hosts of their own: a job ends with the same bits when hosts fall off the network."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from dualtrain.client.stack import servers
from dualtrain.core.job import Job, Status
from dualtrain.core.runtime.times import now
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Exchange, Jobs, connect
from tests.chaos.cases import quiet_end, spec
from tests.chaos.hosts import HUB_ADDRESS, Hosts, hosts, why_not
from tests.chaos.programs import MARK, Program, marked
from tests.chaos.stack import CELERY, ONE_THREAD, answers
from tests.waiting import until

PORTS = {"store": 7001, "exchange": 7002}
AGGREGATORS, WORKERS = (2, 3), (4, 5)
LIMIT_SECONDS = 90.0


@pytest.fixture(scope="module")
def network() -> Iterator[Hosts]:
    """Four hosts and a hub."""
    if reason := why_not():
        pytest.skip(reason)
    with hosts(4) as made:
        yield made


@contextmanager
def running(network: Hosts, folder: Path, data_dir: Path) -> Iterator[tuple[Jobs, Exchange]]:
    """Servers on the hub, reached from here by their Unix sockets; two aggregators and two workers on their hosts."""
    environment = {**os.environ, **ONE_THREAD, MARK: folder.name, "DUALTRAIN_DATA_DIR": str(data_dir)}
    for role, setting in (("store", "REDIS_URL"), ("exchange", "EXCHANGE_URL")):
        environment[f"DUALTRAIN_{setting}"] = f"redis://{HUB_ADDRESS}:{PORTS[role]}/0"
    with ExitStack() as stack:

        def start(host: int, name: str, *command: str) -> None:
            program = Program(name, network.command(host, command), environment, folder / f"{name}.log")
            stack.callback(program.end)

        for role, port in PORTS.items():
            (folder / role).mkdir()
            command = servers.command(servers.find(), role, folder / f"{role}.socket", folder / role)
            start(1, role, *command, "--port", str(port), "--bind", HUB_ADDRESS, "--protected-mode", "no")
        store, exchange = (connect(servers.url(folder / f"{role}.socket")) for role in PORTS)
        until(lambda: answers(store) and answers(exchange), LIMIT_SECONDS, "servers")
        for host in AGGREGATORS:
            start(host, f"aggregator-{host}", sys.executable, "-m", "dualtrain.api.aggregator")
        for host in WORKERS:
            start(host, f"worker-{host}", sys.executable, *CELERY, "--concurrency=1", f"--hostname=host{host}")
        until(lambda: len(Exchange(exchange).workers()) == len(WORKERS), LIMIT_SECONDS, "workers")
        yield Jobs(store), Exchange(exchange)
    assert marked(folder.name) == []


@pytest.mark.timeout(300)
def test_hosts_fall_off_the_network(network: Hosts, tmp_path: Path, data_dir: Path) -> None:
    expected = quiet_end(data_dir, 1, "forward-gradient")
    with running(network, tmp_path, data_dir) as (jobs, exchange):
        job = Job(id="job-hosts", name="", status=Status.QUEUED, created_at=now(), spec=wanted())
        jobs.create(job, 5, 10)
        until(lambda: jobs.get(job.id).progress.step > 2, LIMIT_SECONDS, "progress")
        network.cut(WORKERS[0])
        until(lambda: exchange.count_workers() == 1, LIMIT_SECONDS, "the loss of a worker's host")
        network.cut(AGGREGATORS[0])
        network.join(WORKERS[0])
        time.sleep(1)
        network.join(AGGREGATORS[0])
        network.cut(AGGREGATORS[1])
        until(lambda: jobs.get(job.id).status is Status.SUCCEEDED, LIMIT_SECONDS, "the job's end")
        network.join(AGGREGATORS[1])
        assert jobs.get(job.id).model.sha256 == expected.sha256
        until(lambda: exchange.count_workers() == 2, LIMIT_SECONDS, "the return of a worker's host")


def wanted() -> dict[str, object]:
    """The spec of the job, as the store keeps it."""
    return JobSpec.model_validate(spec("forward-gradient", 1)).model_dump(mode="json")
