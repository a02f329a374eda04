"""The demonstration: a stack of its own, the default job, ten digits."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from dualtrain.client.cli.pictures import beside, digit
from dualtrain.client.client import Client
from dualtrain.client.predictions import Prediction
from dualtrain.client.records import Sample
from dualtrain.core.job import Job, Status

SPEC = {"name": "demonstration", "shards": 2}
STOP_SECONDS = 60
DIGITS, IN_A_ROW = 10, 5


def run(workers: int, data_dir: Path | None) -> None:
    """Train, show ten test digits, and print the test accuracy last. Raises RuntimeError when the job fails."""
    console = Console(highlight=False, soft_wrap=True)
    with (
        tempfile.TemporaryDirectory(prefix="dualtrain-demo-") as temporary,
        _stack(workers, data_dir or temporary) as url,
    ):
        console.print(f"a stack with {workers} workers runs at {url}")
        with Client(url) as client:
            ended, digits = _train_and_predict(client, console)
    for line in digits:
        console.print(line)
    console.print(f"test accuracy: {100 * (ended.metrics.test_accuracy or 0.0):.2f} %")


def _train_and_predict(client: Client, console: Console) -> tuple[Job, list[str]]:
    job = client.submit(SPEC)
    console.print(f"job {job.id}: 144-20-10 on 12x12 MNIST, one pass for each of its parameters")
    ended = job.wait(progress=True)
    if ended.status is not Status.SUCCEEDED:
        why = ended.status_reason.message if ended.status_reason else "no reason was given"
        raise RuntimeError(f"the job {ended.status.value}: {why}")
    history = job.history()
    console.print(f"{ended.progress.passes:,} passes in {history[-1]['seconds']:.1f} s of training")
    samples = client.samples(limit=DIGITS)
    predictions = job.predict(pixels=[sample["pixels"] for sample in samples])
    return ended, list(_pictures(samples, predictions))


@contextmanager
def _stack(workers: int, data_dir: Path | str) -> Iterator[str]:
    """Start a stack, yield its address, stop it."""
    command = [sys.executable, "-P", "-m", "dualtrain.client", "up", "--port", "0", "--workers", str(workers)]
    own = {name: value for name, value in os.environ.items() if not name.startswith("DUALTRAIN_")}
    stack = subprocess.Popen([*command, "--data-dir", str(data_dir)], stdout=subprocess.PIPE, text=True, env=own)
    assert stack.stdout is not None
    try:
        url = stack.stdout.readline().strip()
        if not url:
            raise RuntimeError("the stack did not start; what it said stands above")
        yield url
    finally:
        stack.send_signal(signal.SIGTERM)
        try:
            stack.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            stack.kill()
            stack.wait()


def _pictures(samples: list[Sample], predictions: list[Prediction]) -> Iterator[str]:
    for start in range(0, len(samples), IN_A_ROW):
        row = slice(start, start + IN_A_ROW)
        yield from beside(digit(sample["pixels"]) for sample in samples[row])
        captions = (
            _caption(sample, prediction) for sample, prediction in zip(samples[row], predictions[row], strict=True)
        )
        yield "  ".join(f"{caption:<14}" for caption in captions)


def _caption(sample: Sample, prediction: Prediction) -> str:
    right = "✓" if prediction.digit == sample["label"] else f"✗ is {sample['name']}"
    return f"{prediction.label} {max(prediction.probabilities):.0%} {right}"
