"""Random programs of NumPy: views, copies, and what is written through them."""

import random
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.core.dual.fuzz.templates import EXPRESSIONS, STATEMENTS

LARGEST = 50.0
OWNERS_ONLY = ("add.at", ".sort(", ".partition(")  # of overlapping memory their results are chance


@dataclass(frozen=True)
class Program:
    """Statements on `x` (3, 3), `y` (3,) and `t` (), which define `v0`, `v1`, ...; all variables are results."""

    statements: tuple[str, ...]

    def __call__(self, x: Any, y: Any, t: Any) -> list[Any]:
        names = {"np": np, "x": x, "y": y, "t": t}
        exec(compile("\n".join(self.statements), "program", "exec"), names)
        return [value for name, value in names.items() if name[0] == "v"]

    def without(self, index: int) -> "Program":
        return Program(self.statements[:index] + self.statements[index + 1 :])


def arguments(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
    """Return arrays that may not be written into, as the arguments of a differentiated function."""
    x, y = rng.uniform(-1, 1, (3, 3)).astype(dtype), rng.uniform(-1, 1, 3).astype(dtype)
    for array in (x, y):
        array.flags.writeable = False
    return x, y, dtype(rng.uniform(0.1, 1))


def fails(program: Callable[..., Any], given: tuple[Any, ...]) -> bool:
    """Return whether NumPy refuses the program, warns, or makes numbers that are not finite and of a usual size."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values = program(*given)
    except Exception:
        return True
    sizes = [np.max(np.abs(value), initial=0) for value in values]
    return not all(np.isfinite(size) and size < LARGEST for size in sizes)


def owners(program: Program, given: tuple[Any, ...]) -> list[str]:
    """Return the variables that own their memory, in which no two elements are one."""
    names = [match[0] for text in program.statements if (match := re.match(r"v\d+(?= = )", text))]
    values = program(*given)
    return [name for name, value in zip(dict.fromkeys(names), values, strict=False) if np.asarray(value).flags.owndata]


def drawn(seed: int, dtype: Any = np.float64, length: int = 8, writes: float = 0.45) -> tuple[Program, tuple[Any, ...]]:
    """Return a program that NumPy runs, with its arguments."""
    draw = random.Random(seed)
    given = arguments(np.random.default_rng(seed), dtype)
    program = Program(("v0 = x * 1.0", "v1 = np.sin(y)"))
    count = 2
    for _ in range(8 * length):
        if len(program.statements) >= length + 2:
            break
        variables = [f"v{i}" for i in range(count)]
        recent = draw.choice(variables[-3:]) if draw.random() < 0.6 else draw.choice([*variables, "x", "y"])
        write = draw.random() < writes
        others = [name for name in (*variables, "x", "y") if name != recent or not write]
        scalar = draw.choice(["t", "v1[0]", f"np.sum({recent})", "0.3"])
        choice = {"a": recent, "b": draw.choice(others), "s": scalar}
        text = draw.choice(STATEMENTS if write else EXPRESSIONS[draw.random() < 0.5]).format(**choice)
        longer = Program((*program.statements, text if write else f"v{count} = {text}"))
        if any(name in text for name in OWNERS_ONLY) and recent not in owners(program, given):
            continue
        if not fails(longer, given):
            program = longer
            count += not write
    return program, given
