"""The table of docs/estimators.md, measured again: `python -m benchmarks.recipes --write`."""

import os
import sys

from benchmarks import report
from dualtrain.core.recipes import Result, load_recipe, run_recipe


def main() -> None:
    options = report.arguments("recipes", __doc__).parse_args()
    os.environ["DUALTRAIN_DATA_DIR"] = str(options.data_dir)
    results = run_recipe(load_recipe("table"), small=False, tell=lambda line: print(line, file=sys.stderr))  # noqa: T201
    head = ["", "test error", "passes", "seconds", "peak memory", "seeds"]
    report.Report("estimators.md", options.write).show("trained", report.table(head, [_row(each) for each in results]))


def _row(result: Result) -> list[str]:
    deviation = "" if result.deviation is None else f" ± {result.deviation:.2f}"
    return [
        result.cell.name,
        f"{result.error:.2f}{deviation} %",
        f"{result.cell.passes.mean or 0:,.0f}",
        f"{result.cell.seconds.mean or 0:.1f}",
        f"{result.memory:,.0f} MiB",
        str(result.cell.n),
    ]


if __name__ == "__main__":
    main()
