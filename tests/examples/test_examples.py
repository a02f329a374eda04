"""The examples: each runs as a script, and shows what it says it shows."""

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(FOLDER.glob("*.py"))


def example(name: str) -> dict[str, Any]:
    """What a script defines."""
    return runpy.run_path(str(FOLDER / f"{name}.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_runs_and_is_named_in_the_documents(script: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") > 2
    assert f"examples/{script.name}" in (FOLDER.parent / "README.md").read_text()


def test_least_squares_finds_the_curve_within_the_noise() -> None:
    script = example("least_squares")
    course = script["fit"](*script["points"]())
    found, error = course[-1]
    np.testing.assert_allclose(found, script["TRUTH"], atol=3 * script["NOISE"])
    assert error < script["NOISE"] < course[0][1]
    assert np.allclose(course[-2][0], found, rtol=1e-10), "Gauss and Newton's steps end"


def test_a_black_box_is_trained_by_values_alone() -> None:
    script = example("black_box")
    course = script["train"](200)
    assert len(course) == 2
    assert course[-1] > 0.85
    assert "spsa" in script["refusal"]()


def test_forward_gradients_scatter_less_with_more_directions_and_not_around_something_else() -> None:
    script = example("forward_gradients")
    method = script["ForwardGradient"]
    few, many = (script["errors"](method(directions=directions)) for directions in (16, 256))
    assert few[0] / many[0] == pytest.approx(4, rel=0.3), "the error falls with the root of the directions"
    assert many[1] < many[0] / 3, "the mean of twenty estimates is nearer than one of them"
    assert script["errors"](method(directions=16, perturb="activations"))[0] < few[0] / 2
