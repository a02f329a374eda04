"""What a round costs beside bare Celery tasks, what local steps and workers bring: `python -m benchmarks.service`.

Each part runs in a service of its own processes; what is compared is measured in turns within the same minutes.
`--write` puts the tables into docs/scaling.md.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import httpx2
from celery import Celery

from benchmarks.empty_task import PUSH
from benchmarks.harness import Plant, plant, process, stack
from benchmarks.measure import machine
from benchmarks.report import Report, arguments, seconds, table
from dualtrain.core.job import Job
from dualtrain.core.runtime.times import seconds_between
from dualtrain.core.settings import Settings
from dualtrain.core.store.broker import QUEUE, transport_options

LIGHT = {
    "dataset": {"image_size": 12},
    "gradient": {"method": "per-neuron"},
    "batch_size": 1,
    "evaluate_every": 1_000_000,
}
"""144-20-10 per neuron with one sample: nearly no computing, so that a round costs what its messages cost."""
WIDE = [{"units": 100, "activation": "relu"}, {"units": 10, "activation": "softmax"}]
LOCAL = {
    "dataset": {"image_size": 28},
    "network": {"layers": WIDE},
    "gradient": {"method": "per-neuron"},
    "batch_size": 64,
    "evaluate_every": 1_000_000,
}
SHORT_JOBS: dict[str, tuple[dict[str, Any], int]] = {
    "default job": ({}, 938),
    "784-100-10 per neuron, 2 epochs": ({**LOCAL, "epochs": 2, "evaluate_every": 100}, 1876),
}
"""Specs with their steps."""
HEAVY = {**LOCAL, "gradient": {"method": "per-parameter"}, "epochs": 8}
HEAVY_BATCHES = (256, 1024)
HEAVY_JOBS: dict[str, tuple[int, dict[str, Any]]] = {
    **{f"{batch}": (1, {"batch_size": batch}) for batch in HEAVY_BATCHES},
    "256, two jobs at once": (2, {"batch_size": 256}),
    "256, 16 local steps": (1, {"batch_size": 256, "local_steps": 16, "replicas": 2}),
}
"""How many run at once, and what they have besides `HEAVY`."""
ROUNDS = 1500
EPOCHS = {1: 4, 4: 16, 16: 24, 64: 60}
"""Epochs by local steps: some seconds each, so that what a job takes to begin and to end counts little."""
HEAVY_SAMPLES = 204_800
"""Half a minute, for the same reason."""
WARM_STEPS = 10
REPEATS = 5


def rounds(data_dir: Path) -> str:
    """Rounds of 1, 2, 4, 8 shards beside as many bare tasks of the same app and pool, in turns."""
    times: dict[tuple[str, int], list[float]] = {}
    with plant(2, data_dir, worker_app="benchmarks.empty_task") as service:
        celery = _celery(service.settings)
        for _ in range(REPEATS):
            for shards in (1, 2, 4, 8):
                times.setdefault(("bare", shards), []).append(_bare(celery, service, shards))
                times.setdefault(("round", shards), []).append(_round(service, shards))
        celery.close()
        moved = _bytes_per_round(service)
    rows = []
    for shards in (1, 2, 4, 8):
        ours, bare = (statistics.median(times[what, shards]) for what in ("round", "bare"))
        ratios = [a / b for a, b in zip(times["round", shards], times["bare", shards], strict=True)]
        rows.append((f"{shards}", f"{1 / ours:,.0f}", seconds(ours), seconds(bare), f"{statistics.median(ratios):.2f}"))
    head = ("shards", "rounds/s", "a round", "as many bare tasks", "ratio")
    return f"{table(head, rows)}\n\nA round of two shards moves {moved:,.0f} bytes through the exchange."


def _celery(settings: Settings) -> Celery:
    app = Celery(broker=settings.celery_broker_url, set_as_current=False)
    app.conf.update(broker_transport_options=transport_options(settings.celery_broker_url), task_ignore_result=True)
    return app


def _bare(celery: Celery, service: Plant, tasks: int, count: int = 300) -> float:
    """Seconds for so many tasks that answer eight bytes each, as Celery and redis-py have it."""
    server = service.exchange.server
    with celery.producer_or_acquire() as producer:
        started = time.perf_counter()
        for _ in range(count):
            for _ in range(tasks):
                celery.send_task(PUSH, ("bench",), queue=QUEUE, producer=producer)
            for _ in range(tasks):
                server.blpop(["bench"], timeout=5)
    return (time.perf_counter() - started) / count


def _round(service: Plant, shards: int) -> float:
    """Seconds for a round: the running time of a job over its steps."""
    # A round of this network has two blocks, so shards beyond that need more units: two samples are two blocks more.
    job = service.finish(service.submit(**_with_blocks(shards), shards=shards, max_steps=ROUNDS))
    assert job.plan is not None and job.plan.shards == shards, job.plan
    return running_seconds(job) / ROUNDS


def _with_blocks(shards: int) -> dict[str, Any]:
    """Return LIGHT with at least so many blocks: it has one for each layer."""
    hidden = [{"units": 20}] * (1 if shards <= 2 else shards - 1)
    slow = {"name": "sgd", "learning_rate": 0.001}
    return {**LIGHT, "optimizer": slow, "network": {"layers": [*hidden, {"units": 10, "activation": "softmax"}]}}


def _bytes_per_round(service: Plant) -> float:
    def moved() -> float:
        info = service.exchange.server.info("stats")
        return float(info["total_net_input_bytes"] + info["total_net_output_bytes"])

    before = moved()
    service.finish(service.submit(**LIGHT, shards=2, max_steps=ROUNDS))
    return (moved() - before) / ROUNDS


def local_steps(data_dir: Path) -> str:
    """Samples per second of two replicas on two workers, beside two concurrent `core.train`."""
    rows = []
    with plant(2, data_dir) as service:
        for batch, (local, epochs) in product((64, 256), EPOCHS.items()):
            spec, steps = {**LOCAL, "batch_size": batch, "epochs": epochs}, epochs * 30_000 // batch
            pairs = [(_rate(service, spec, local), alone(spec, data_dir, 2, steps)) for _ in range(REPEATS)]
            ours, theirs = (statistics.median(one) for one in zip(*pairs, strict=True))
            ratio = spread([a / b for a, b in pairs])
            rows.append((f"{local}, batch {batch}", f"{ours:,.0f}", f"{theirs:,.0f}", ratio))
    return table(("local steps", "samples/s", "two `core.train` together", "ratio"), rows)


def _rate(service: Plant, spec: dict[str, Any], local: int) -> float:
    """Samples per second of a job; one local step is a synchronous round."""
    replicas = {"local_steps": local, "replicas": 2} if local > 1 else {}
    job = service.finish(service.submit(**spec, **replicas))
    return job.progress.samples_seen / running_seconds(job)


def alone(spec: dict[str, Any], data_dir: Path, processes: int, steps: int) -> float:
    """Samples per second that so many concurrent `core.train` reach together, evaluation included as in the service."""
    samples = steps * int(spec["batch_size"])
    with ThreadPoolExecutor(processes) as pool:
        times = list(pool.map(lambda _: train_seconds(spec, data_dir, steps), range(processes)))
    return sum(samples / one for one in times)


def train_seconds(spec: dict[str, Any], data_dir: Path, steps: int) -> float:
    """Seconds of one run in a process of its own, from the first step to the last evaluation."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({**spec, "max_steps": steps}, file)
        file.flush()
        with process(
            ("dualtrain.core.train", file.name), Settings(data_dir=data_dir), Path(file.name + ".log")
        ) as running:
            running.wait()
        log = Path(file.name + ".log")
        result = json.loads(log.read_text().splitlines()[-1])
        log.unlink()
    assert result["step"] == steps, result
    return float(result["seconds"])


def bundles(data_dir: Path) -> str:
    """Jobs of short rounds from their start to their end, beside one run in one process."""
    turns: dict[str, list[tuple[float, float]]] = {name: [] for name in SHORT_JOBS}
    with plant(2, data_dir) as service:
        for spec, _ in SHORT_JOBS.values():
            service.finish(service.submit(**spec, max_steps=WARM_STEPS))
        for _, (name, (spec, steps)) in product(range(REPEATS), SHORT_JOBS.items()):
            ours = running_seconds(service.finish(service.submit(**spec)))
            turns[name].append((ours, train_seconds(spec, data_dir, steps)))
    rows = []
    for name, times in turns.items():
        medians = [f"{statistics.median(each):.2f} s" for each in zip(*times, strict=True)]
        rows.append((name, *medians, spread([ours / alone for ours, alone in times])))
    return table(("job", "service", "one `core.train`", "ratio"), rows)


def workers(data_dir: Path) -> str:
    """Compute-bound jobs with one worker process and with two, beside two concurrent `core.train`."""
    turns: dict[str, list[tuple[float, ...]]] = {name: [] for name in HEAVY_JOBS}
    for _, (name, (at_once, job)) in product(range(REPEATS), HEAVY_JOBS.items()):
        turns[name].append(_heavy_turn(at_once, job, data_dir))
    rows = []
    for name, rates in turns.items():
        told = [f"{statistics.median(each):,.0f}" for each in zip(*rates, strict=True)]
        rows.append((name, *told, *(spread([turn[1] / turn[other] for turn in rates]) for other in (0, 2))))
    head = (
        "batch",
        "1 worker",
        "2 workers",
        "two `core.train`",
        "2 workers over 1",
        "over two `core.train`",
    )
    return table(head, rows)


def _heavy_turn(at_once: int, job: dict[str, Any], data_dir: Path) -> tuple[float, ...]:
    """Samples per second of one worker, of two, of two concurrent `core.train`, which always make single steps."""
    spec, plain = HEAVY | job, {**HEAVY, "batch_size": job["batch_size"]}
    steps, rates = HEAVY_SAMPLES // int(job["batch_size"]), []
    for count in (1, 2):
        with plant(count, data_dir) as service:
            _heavy_rate(service, spec, WARM_STEPS)  # imports and first reads, which `core.train` does not count either
            rates.append(_heavy_rate(service, spec, steps // job.get("replicas", 1), at_once))
    return (*rates, alone(plain, data_dir, 2, steps))


def _heavy_rate(service: Plant, spec: dict[str, Any], steps: int, at_once: int = 1) -> float:
    jobs = [service.submit(**spec, max_steps=steps, seed=seed) for seed in range(at_once)]
    return sum(job.progress.samples_seen / running_seconds(job) for job in map(service.finish, jobs))


def spread(ratios: Sequence[float]) -> str:
    """Return the median of some ratios, with the least and the most."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def running_seconds(job: Job) -> float:
    """From the job's start to its end, data and last evaluation included."""
    assert job.started_at and job.finished_at
    return seconds_between(job.started_at, job.finished_at)


GOALS: dict[str, dict[str, Any]] = {
    "default job to 85 %": {"target_accuracy": 0.85},
    "12x12 per neuron to 85 %": {"gradient": {"method": "per-neuron"}, "target_accuracy": 0.85},
    "28x28 to 95 %": {"target_accuracy": 0.95},
    "28x28 to 97.5 %": {"target_accuracy": 0.975},
}
"""Each from POST to the evaluation that reaches it; those of 28x28 by local steps."""
FAST = {
    **LOCAL,
    "optimizer": {"name": "momentum", "learning_rate": 0.1},
    "local_steps": 64,
    "epochs": 30,
    "evaluate_every": 128,
}


def accuracy(data_dir: Path) -> str:
    """Seconds from POST to a test accuracy, through HTTP, the median of three."""
    rows = []
    with stack(data_dir) as url, httpx2.Client(base_url=url) as client:
        for name, goal in GOALS.items():
            times = [_seconds_to(client, {**(FAST if "28x28" in name else {}), **goal}) for _ in range(3)]
            rows.append((name, f"{statistics.median(times):.2f} s", ", ".join(f"{one:.2f}" for one in times)))
    return table(("job", "median", "each"), rows)


def _seconds_to(client: httpx2.Client, spec: dict[str, Any]) -> float:
    started = time.perf_counter()
    job = client.post("/v1/jobs", json=spec).json()
    while not job["finished_at"]:
        job = client.get(f"/v1/jobs/{job['id']}", headers={"Prefer": "wait=10"}, timeout=30).json()
    assert job["status_reason"]["code"] == "target_accuracy", job
    return time.perf_counter() - started


PARTS: dict[str, Callable[[Path], str]] = {
    "rounds": rounds,
    "bundles": bundles,
    "local steps": local_steps,
    "workers": workers,
    "accuracy": accuracy,
}


def main() -> None:
    """Run the parts and print their tables."""
    parser = arguments("service", __doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    options = parser.parse_args()
    sys.stdout.write(f"{machine()}\n")
    for name in options.parts:
        Report("scaling.md", options.write).show(name, PARTS[name](options.data_dir))


if __name__ == "__main__":
    main()
