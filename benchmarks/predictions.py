"""What predictions cost: `python -m benchmarks.predictions`.

All figures are CPU time, of the service's process for requests, so that other load on the machine counts little. The
targets: one prediction at most 1 ms more than an empty route; 10,000 images in one request at most twice what parsing
their JSON and the matrix products take alone; 85 of 100 digits that look unlike MNIST's.
"""

import base64
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import psutil
from PIL import Image
from pydantic_core import from_json
from threadpoolctl import threadpool_limits

from benchmarks.report import Report, arguments, table
from dualtrain.api.predictions.model_file import parse
from dualtrain.client.stack.servers import embedded
from dualtrain.core.data import Dataset, load, scale
from dualtrain.core.loop import network_for
from dualtrain.core.settings import Settings

TESTS = Path(__file__).parent.parent / "tests"
MODEL = TESTS / "api" / "predictions" / "trained.safetensors"
FOREIGN = TESTS / "core" / "data" / "foreign_digits.zip"
REPEATS, SINGLES = 5, 100
START_SECONDS = 120.0
JSON = {"content-type": "application/json"}


def main() -> None:
    """Print a table of what was measured beside what is asked for."""
    options = arguments("predictions", __doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = load("mnist", 28, Path(folder), ())
        with serving(Path(folder)) as (client, server):
            upload = client.post(
                "/v1/models", content=MODEL.read_bytes(), headers={"content-type": "application/octet-stream"}
            )
            url = f"/v1/jobs/{upload.raise_for_status().json()['id']}/predictions"
            rows = [*singles(client, server, url, data), many(client, server, url, data), foreign(client, url)]
    Report("http.md", options.write).show("predictions", table(("what", "measured", "target"), rows))


def singles(client: httpx2.Client, server: psutil.Process, url: str, data: Dataset) -> Iterator[tuple[str, str, str]]:
    """Compare one prediction, as pixels and as a file, with an empty route."""
    image = data.test_images[0]
    file = io.BytesIO()
    Image.fromarray(image.reshape(28, 28)).save(file, "PNG")
    body = json.dumps({"pixels": [image.tolist()]}).encode()
    ways: dict[str, Callable[[], httpx2.Response]] = {
        "empty route": lambda: client.get("/livez"),
        "pixels": lambda: client.post(url, content=body, headers=JSON),
        "a PNG file": lambda: client.post(url, files={"image": file.getvalue()}),
    }
    costs = {name: [cpu(server, way, SINGLES) / SINGLES for _ in range(REPEATS)] for name, way in ways.items()}
    empty = statistics.median(costs.pop("empty route"))
    yield "empty route", f"{empty * 1e3:.2f} ms", ""
    for name, seconds in costs.items():
        target = "1 ms" if name == "pixels" else ""
        yield f"one prediction more than that, {name}", f"{(statistics.median(seconds) - empty) * 1e3:.2f} ms", target


def many(client: httpx2.Client, server: psutil.Process, url: str, data: Dataset) -> tuple[str, str, str]:
    """Compare 10,000 images in one request with parsing their JSON and the matrix products alone."""
    body = json.dumps({"pixels": data.test_images.tolist()}).encode()
    spec, parameters = parse(MODEL.read_bytes(), lambda _: None)
    layers = network_for(spec).unpack(parameters)
    inputs = scale(data.test_images)

    def alone() -> None:
        from_json(body)  # three times as fast as the standard library's
        (inputs @ layers[0][0]) @ layers[1][0]

    least = statistics.median(own_cpu(alone) for _ in range(REPEATS))
    asked = statistics.median(
        cpu(server, lambda: client.post(url, content=body, headers=JSON), 1) for _ in range(REPEATS)
    )
    figure = f"{asked:.3f} s; alone {least:.3f} s; {asked / least:.2f} times"
    return "10,000 images in one request", figure, "2 times"


def foreign(client: httpx2.Client, url: str) -> tuple[str, str, str]:
    """Count the digits unlike MNIST's that are read right, with the treatment and without."""
    with zipfile.ZipFile(FOREIGN) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    labels = np.array([int(name[0]) for name in files])
    treated = {"images": [base64.b64encode(file).decode() for file in files.values()]}
    plain = [
        Image.open(io.BytesIO(file)).convert("L").resize((28, 28), Image.Resampling.BILINEAR) for file in files.values()
    ]
    light = [np.asarray(image) for image in plain]
    untreated = {"pixels": [np.where(np.median(one) > 127, 255 - one, one).ravel().tolist() for one in light]}

    def right(body: dict[str, Any]) -> int:
        found = client.post(url, json=body).raise_for_status().json()["predictions"]
        return int(np.sum(np.array([one["digit"] for one in found]) == labels))

    figure = f"{right(treated)} of {len(labels)}; only resized and inverted {right(untreated)}"
    return "digits unlike MNIST's", figure, "85; 25 more than without"


def cpu(server: psutil.Process, way: Callable[[], httpx2.Response], count: int) -> float:
    """Return the CPU seconds that the service spends on `count` requests."""
    way().raise_for_status()
    before = server.cpu_times()
    for _ in range(count):
        way()
    after = server.cpu_times()
    return after.user + after.system - before.user - before.system


def own_cpu(work: Callable[[], None]) -> float:
    """Return the CPU seconds that `work` takes here, on one thread."""
    with threadpool_limits(1):
        before = time.process_time()
        work()
        return time.process_time() - before


@contextmanager
def serving(folder: Path) -> Iterator[tuple[httpx2.Client, psutil.Process]]:
    """Serve on a store of its own, without aggregator; yield a client and the process."""
    redis, http = folder / "redis", folder / "http"
    (binary,) = embedded()
    store = [str(binary), "--port", "0", "--unixsocket", str(redis), "--save", "", "--dir", str(folder)]
    program = (
        "import sys, uvicorn; from dualtrain.api.app import create_app;"
        "uvicorn.run(create_app(aggregator=False), uds=sys.argv[1], log_level='error')"
    )
    settings = Settings(redis_url=f"unix://{redis}?db=0", data_dir=folder)
    environment = {**dict(psutil.Process().environ()), **settings.environment(), "OPENBLAS_NUM_THREADS": "1"}
    servers = [
        subprocess.Popen([*store, "--logfile", str(folder / "log")]),
        subprocess.Popen([sys.executable, "-c", program, str(http)], env=environment, stderr=subprocess.DEVNULL),
    ]
    try:
        with httpx2.Client(
            transport=httpx2.HTTPTransport(uds=str(http)), base_url="http://localhost", timeout=60
        ) as client:
            _wait(client)
            yield client, psutil.Process(servers[1].pid)
    finally:
        for process in servers:
            process.kill()
            process.wait()


def _wait(client: httpx2.Client) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            client.get("/v2/health/ready").raise_for_status()
            return
        except httpx2.HTTPError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    main()
