"""Types of the JSON documents that the service returns and that have no class of their own."""

from typing import Any, Literal, TypedDict


class HistoryPoint(TypedDict):
    """One recorded step of a job; accuracies from 0 to 1, None at steps without an evaluation.

    Two runs of one spec have the same points but for `seconds` and `worker_seconds`.
    """

    step: int
    samples_seen: int | None
    passes: int | None
    evaluations: int | None
    loss: float | None
    test_accuracy: float | None
    validation_accuracy: float | None
    gradient_norm: float | None
    gradient_variance: float | None
    cosine: float | None
    seconds: float | None
    worker_seconds: float | None


class Spread(TypedDict):
    """A figure over the seeds of a cell; None where it is not known, `std` also for fewer than two values."""

    mean: float | None
    std: float | None
    values: list[float]


class CellSummary(TypedDict):
    """A cell of a sweep; `n` counts the jobs that succeeded, and only they enter the figures."""

    name: str
    set: dict[str, Any]
    n: int
    test_accuracy: Spread
    best_test_accuracy: Spread
    loss: Spread
    seconds: Spread
    passes: Spread


class SweepCurve(TypedDict):
    """The mean curve of a cell: points with `step`, `n` and for each column `{"mean", "std"}`."""

    cell: str
    points: list[dict[str, Any]]


class SweepRecord(TypedDict, total=False):
    """A sweep; `counts` are its jobs by status, `cells` are left out in lists."""

    id: str
    name: str
    status: str
    created_at: str
    finished_at: str | None
    jobs: int
    counts: dict[str, int]
    spec: dict[str, Any]
    rungs: list[dict[str, Any]]
    cells: list[CellSummary]


class SweepSize(TypedDict):
    """The size of a sweep before it is queued."""

    cells: int
    jobs: int
    passes: int
    evaluations: int
    estimated_seconds: float


class BulkResult(TypedDict):
    """The numbers of jobs that fit a filter and that were changed; `skipped` are the others by status."""

    action: str
    dry_run: bool
    matched: int
    changed: int
    skipped: dict[str, int]


class Usage(TypedDict):
    """Usage of an API key's jobs, the deleted ones included."""

    key: str | None
    jobs: int
    by_status: dict[str, int]
    passes: int
    evaluations: int
    worker_seconds: float
    stored_bytes: int


class CheckpointInfo(TypedDict):
    """A stored checkpoint; `best` is the one with the highest accuracy, `last` the newest."""

    step: int
    loss: float | None
    test_accuracy: float | None
    sha256: str
    best: bool
    last: bool


class Evaluation(TypedDict):
    """An evaluation on the whole test split; rows of `confusion` are true classes, columns predicted ones."""

    job_id: str
    step: int
    test_accuracy: float
    validation_accuracy: float | None
    confusion: list[list[int]]
    by_class: list[float | None]


class DryRun(TypedDict):
    """Estimate of a job, with its full `spec`; times are estimates in seconds, memory in bytes per worker."""

    spec: dict[str, Any]
    parameters: int
    blocks: int
    shards: int
    total_steps: int
    rounds: int
    passes: int
    evaluations: int
    memory_bytes: int
    exchange_bytes_per_round: int
    seconds_per_round: float
    estimated_seconds: float
    workers: int
    reasons: list[str]


class DatasetInfo(TypedDict):
    """A data set; classes and sizes are None when only the hub knows them."""

    name: str
    source: Literal["bundled", "uploaded", "hub"]
    status: str
    classes: list[str] | None
    train_samples: int | None
    test_samples: int | None
    samples_read: int | None


class Sample(TypedDict):
    """One image of a data set: 28x28 `pixels`, 0 to 255, row after row; `name` is that of its class `label`."""

    index: int
    label: int
    name: str
    pixels: list[int]


class WorkerInfo(TypedDict, total=False):
    """A living worker process: since when, on which job, with which numerics."""

    id: str
    since: str
    doing: dict[str, Any] | None
    numerics: str


class Alias(TypedDict):
    """A name for a job's model; `step` is None where it follows the newest checkpoint."""

    name: str
    job_id: str
    step: int | None
