"""Least squares by Gauss and Newton, the Jacobian from forward passes: `python examples/least_squares.py`.

A curve a·exp(-b·t) + c is fitted to noisy points. The model is plain NumPy; `jacobian` pushes one direction for each
of its three parameters through it, and each step solves the linear least squares that are left.
"""

import sys

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.dual import jacobian

Vector = NDArray[np.float64]
TRUTH = np.array([2.5, 1.3, 0.5])
START = np.array([1.0, 1.0, 0.0])
NOISE = 0.02


def points(seed: int = 0) -> tuple[Vector, Vector]:
    """Return times and noisy values of the true curve, both `(50,)`."""
    times = np.linspace(0, 4, 50)
    return times, curve(TRUTH, times) + NOISE * np.random.default_rng(seed).standard_normal(50)


def curve(parameters: Vector, times: Vector) -> Vector:
    """Return a·exp(-b·t) + c; `parameters` are a, b, c."""
    a, b, c = parameters
    return a * np.exp(-b * times) + c


def fit(times: Vector, values: Vector, steps: int = 8) -> list[tuple[Vector, float]]:
    """Return parameters and root mean square error at the start and after each step."""

    def residuals(parameters: Vector) -> Vector:
        return curve(parameters, times) - values

    course = [START]
    for _ in range(steps):
        here = course[-1]
        change, *_ = np.linalg.lstsq(jacobian(residuals)(here), -residuals(here))
        course.append(here + change)
    return [(at, float(np.sqrt(np.mean(residuals(at) ** 2)))) for at in course]


if __name__ == "__main__":
    for step, (found, error) in enumerate(fit(*points())):
        sys.stdout.write(f"step {step}: a, b, c = {np.round(found, 4)}, error {error:.5f}\n")
    sys.stdout.write(f"truth:  a, b, c = {TRUTH}, noise {NOISE}\n")
