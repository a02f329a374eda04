"""The command that runs published experiments: recipe."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dualtrain.client.cli.output import AsJson, out, print_json, print_table

if TYPE_CHECKING:
    from dualtrain.core.recipes import Result


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(recipe)


def recipe(
    name: Annotated[str | None, typer.Argument(help="Recipe to run; --list names all.", show_default=False)] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the recipes.")] = False,
    small: Annotated[bool, typer.Option("--small", help="Run the small version, which ends within seconds.")] = False,
    sweep: Annotated[bool, typer.Option("--sweep", help="Print the sweep, to be posted to /v1/sweeps.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a published experiment on this machine and compare its test errors.

    `dualtrain recipe table --small`
    """
    from dualtrain.core.recipes import load_recipe, recipe_names, run_recipe  # it imports NumPy

    if list_all or name is None:
        names = recipe_names()
        print_json(names) if as_json else print_table(("recipe", "what"), [(n, load_recipe(n).title) for n in names])
        return
    chosen = load_recipe(name)
    if sweep:
        print_json(chosen.sized(small).model_dump(mode="json"))
        return
    results = run_recipe(chosen, small, (lambda line: None) if as_json else out.print)
    print_json([_document(result) for result in results]) if as_json else _print(results)
    if any(result.verdict == "differs" for result in results):
        raise typer.Exit(1)


def _document(result: "Result") -> dict[str, object]:
    return {
        "cell": result.cell.name,
        "test_error": result.error,
        "deviation": result.deviation,
        "published": result.expected.published,
        "here_before": result.expected.here,
        "tolerance": result.expected.tolerance,
        "verdict": result.verdict,
        "passes": result.cell.passes.mean,
        "seconds": result.cell.seconds.mean,
        "memory_mib": result.memory,
        "sha256": result.sha256,
    }


def _print(results: Sequence["Result"]) -> None:
    columns = ("cell", "test error", "published", "before", "", "passes", "seconds", "memory")
    print_table(columns, map(_row, results))


def _row(result: "Result") -> tuple[str, ...]:
    deviation = "" if result.deviation is None else f" ± {result.deviation:.2f}"
    return (
        result.cell.name,
        f"{result.error:.2f}{deviation} %",
        _percent(result.expected.published),
        _percent(result.expected.here),
        result.verdict,
        f"{result.cell.passes.mean or 0:,.0f}",
        f"{result.cell.seconds.mean or 0:.1f}",
        f"{result.memory:,.0f} MiB",
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} %"
