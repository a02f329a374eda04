"""Sweeps: many jobs of one base spec, in cells that differ in what they set, each run once for every seed.

A sweep is written once and everything else follows from it: its cells, the spec of each job, and each job's id. So a
process that dies while jobs are queued leaves none out, and its successor queues none twice.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import exp, log
from secrets import token_hex
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from dualtrain.core.overrides import overridden

MAX_JOBS = 2000
"""Jobs of one sweep at most: as many as may wait in the queue."""

_ID = re.compile(r"sweep-[0-9a-f]{12}")

Path: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z0-9_-]+)*$", max_length=200)]
"""A field of a spec, as `--set` names it: `gradient.method`, `network.layers.0.units`."""
Changes: TypeAlias = dict[Path, Any]
"""Paths with the values that they are set to."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Variant(_Part):
    """A named set of changes to the base spec."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    set: Changes = Field({}, description="paths as those of `--set`, with their values")


class Distribution(_Part):
    """A distribution of one field's value; exactly one of the fields is given."""

    uniform: tuple[float, float] | None = Field(None, description="low and high")
    log_uniform: tuple[float, float] | None = Field(None, description="low and high, both above 0")
    integer: tuple[int, int] | None = Field(None, description="low and high, both included")
    choice: Annotated[tuple[Any, ...], Field(min_length=1)] | None = Field(None, description="equally likely values")

    @model_validator(mode="after")
    def _is_one(self) -> "Distribution":
        if len(self.model_fields_set) != 1:
            raise ValueError("give exactly one of uniform, log_uniform, integer and choice")
        bounds = self.uniform or self.log_uniform or self.integer
        if bounds is not None and bounds[0] > bounds[1]:
            raise ValueError(f"the lower bound {bounds[0]} is above the upper bound {bounds[1]}")
        if self.log_uniform is not None and self.log_uniform[0] <= 0:
            raise ValueError(f"log_uniform needs bounds above 0, not {self.log_uniform[0]}")
        return self

    def draw(self, generator: np.random.Generator) -> Any:
        """Return a value that JSON can hold."""
        if self.choice is not None:
            return self.choice[int(generator.integers(len(self.choice)))]
        if self.integer is not None:
            return int(generator.integers(self.integer[0], self.integer[1], endpoint=True))
        if self.log_uniform is not None:
            low, high = self.log_uniform
            return exp(generator.uniform(log(low), log(high)))
        low, high = self.uniform or (0.0, 1.0)
        return float(generator.uniform(low, high))


class RandomSample(_Part):
    """Cells drawn at random instead of a grid; the same seed draws the same cells."""

    count: int = Field(ge=1, le=MAX_JOBS)
    seed: int = Field(0, ge=0, lt=2**63)
    space: dict[Path, Distribution] = Field(min_length=1)


class Halving(_Part):
    """Successive halving (Jamieson and Talwalkar 2016): at each of `at_steps` only the best cells go on.

    Cells are compared by the mean over their seeds of the metric's newest value at or before that step.
    """

    metric: Literal["test_accuracy", "validation_accuracy", "loss"] = "test_accuracy"
    keep: float = Field(0.34, gt=0, lt=1, description="the share of the remaining cells that go on, at least one")
    at_steps: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _steps_rise(self) -> "Halving":
        if list(self.at_steps) != sorted(set(self.at_steps)):
            raise ValueError(f"at_steps must rise; got {list(self.at_steps)}")
        return self


class SweepSpec(_Part):
    """A sweep: `variants` x `grid` (or random draws) are its cells, and each cell runs once for every seed."""

    name: Annotated[str, StringConstraints(max_length=200)] = ""
    base: dict[str, Any] = Field({}, description="a job spec; fields that are left out have their defaults")
    variants: tuple[Variant, ...] = Field((), max_length=MAX_JOBS)
    grid: dict[Path, Annotated[tuple[Any, ...], Field(min_length=1)]] = {}
    sample: RandomSample | None = Field(None, description="cells drawn at random, in place of `grid`")
    seeds: Annotated[int, Field(ge=1, le=MAX_JOBS)] | tuple[Annotated[int, Field(ge=0, lt=2**63)], ...] = Field(
        1, description="a number of seeds 0, 1, ..., or a list of them"
    )
    max_parallel: int | None = Field(None, ge=1, le=MAX_JOBS, description="jobs that are queued or running at a time")
    halving: Halving | None = None
    metadata: dict[str, str] = Field({}, max_length=16)

    @model_validator(mode="after")
    def _fits(self) -> "SweepSpec":
        if self.sample is not None and self.grid:
            raise ValueError("give either a grid or a sample")
        names = [variant.name for variant in self.variants]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"variants need different names; {repeated[0]!r} occurs more than once")
        if not self.seed_list or len(set(self.seed_list)) != len(self.seed_list):
            raise ValueError("seeds must be one or more different numbers")
        if self.job_count > MAX_JOBS:
            raise ValueError(f"the sweep has {self.job_count:,} jobs; at most {MAX_JOBS:,} are allowed")
        return self

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds of every cell."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds

    @property
    def job_count(self) -> int:
        """Number of jobs, counted without making them."""
        cells = max(1, len(self.variants))
        if self.sample is not None:
            return cells * self.sample.count * len(self.seed_list)
        for values in self.grid.values():
            cells *= len(values)
        return cells * len(self.seed_list)


@dataclass(frozen=True)
class Cell:
    """One combination of a variant, given by its index, and a point of the grid. `changes` are those of both."""

    index: int
    name: str
    changes: Mapping[str, Any]
    variant: int | None = None


@dataclass(frozen=True)
class SweepJob:
    """One job of a sweep; `id` follows from the sweep's id, the cell and the seed."""

    id: str
    cell: Cell
    seed: int


def new_sweep_id() -> str:
    """Return an id that no sweep has."""
    return f"sweep-{token_hex(6)}"


def is_sweep_id(name: str) -> bool:
    """Return whether a name has the form of a sweep's id."""
    return _ID.fullmatch(name) is not None


def cells(spec: SweepSpec) -> tuple[Cell, ...]:
    """Return the cells in order: variant by variant, and within each the points of the grid or the draws."""
    variants = tuple(range(len(spec.variants))) or (None,)
    pairs = product(variants, _points(spec))
    return tuple(_cell(spec, index, variant, point) for index, (variant, point) in enumerate(pairs))


def jobs(sweep_id: str, spec: SweepSpec) -> Iterator[SweepJob]:
    """Yield the sweep's jobs in the order in which they are queued: seed by seed, so that every cell is seen early."""
    all_cells = cells(spec)
    for seed in spec.seed_list:
        for cell in all_cells:
            yield SweepJob(_job_id(sweep_id, cell, seed), cell, seed)


def job_document(spec: SweepSpec, cell: Cell, seed: int) -> dict[str, Any]:
    """Return the job spec of a cell and seed, as JSON that is still to be checked.

    Raises ValueError for a path that leads to no field.
    """
    document = overridden(spec.base, cell.changes)
    name = f"{spec.name or 'sweep'}: {cell.name}, seed {seed}"
    return document | {"seed": seed, "name": document.get("name") or name[:200]}


def _points(spec: SweepSpec) -> Iterator[dict[str, Any]]:
    if spec.sample is None:
        for values in product(*spec.grid.values()):
            yield dict(zip(spec.grid, values, strict=True))
        return
    generator = np.random.default_rng(spec.sample.seed)
    for _ in range(spec.sample.count):
        yield {path: distribution.draw(generator) for path, distribution in spec.sample.space.items()}


def _cell(spec: SweepSpec, index: int, variant: int | None, point: Mapping[str, Any]) -> Cell:
    chosen = Variant(name="base") if variant is None else spec.variants[variant]
    parts = [] if variant is None else [chosen.name]
    parts += [f"{path.rpartition('.')[2]}={_short(value)}" for path, value in point.items()]
    return Cell(index, ", ".join(parts) or chosen.name, {**chosen.set, **point}, variant)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:40]


def _job_id(sweep_id: str, cell: Cell, seed: int) -> str:
    return f"job-{hashlib.sha256(f'{sweep_id}/{cell.index}/{seed}'.encode()).hexdigest()[:12]}"
