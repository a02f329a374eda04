"""Run many random programs: `python -m tests.core.dual.fuzz [--programs 20000] [--seed 0] [--order 1]`."""

import argparse
import collections
import sys
import warnings

import numpy as np

from tests.core.dual.fuzz.oracle import Difference, Refused, check, reduced
from tests.core.dual.fuzz.programs import drawn


def _say(*lines: object) -> None:
    sys.stdout.write("\n".join(map(str, lines)) + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--order", type=int, default=1)
    parser.add_argument("--dtype", default="float64")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    counts: collections.Counter[str] = collections.Counter()
    refusals: collections.Counter[str] = collections.Counter()
    for seed in range(options.seed, options.seed + options.programs):
        program, given = drawn(seed, np.dtype(options.dtype).type)
        counts["statements"] += len(program.statements)
        try:
            check(program, given, seed, options.order)
            counts["passed"] += 1
        except Refused as error:
            counts["refused"] += 1
            reason = str(error)[:90]
            if not refusals[reason]:
                _say(f"--- seed {seed}: {error}", *program.statements)
            refusals[reason] += 1
        except Exception as error:
            counts["different" if isinstance(error, Difference) else "errors"] += 1
            shortest = reduced(program, given, seed, options.order) if isinstance(error, Difference) else program
            _say(f"--- seed {seed}: {type(error).__name__}: {str(error)[:300]}")
            _say(*shortest.statements)
    _say(dict(counts))
    for text, count in refusals.most_common(12):
        _say(f"{count} {text}")


if __name__ == "__main__":
    main()
