from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from dualtrain.core.nn import SGD, AbstractOptimizer, Adam, AdamW, Momentum, Nesterov, RMSprop, Step
from dualtrain.core.nn.tensor import Array

ALL = [SGD, Momentum, Nesterov, Adam, AdamW, RMSprop]


def by_the_papers(name: str, g: Any, t: int, m: Any, v: Any) -> tuple[Any, Any, Any]:
    """What the rate is multiplied with in step `t`, counted from 1, and both memories after it; the usual constants."""
    if name == "sgd":
        return g, m, v
    if name == "momentum":
        m = 0.9 * m + g
        return m, m, v
    if name == "nesterov":
        m = 0.9 * m + g
        return g + 0.9 * m, m, v
    if name in ("adam", "adamw"):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        return (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v
    v = 0.99 * v + 0.01 * g**2
    return g / (np.sqrt(v) + 1e-8), m, v


def decayed_step(name: str, g: Any, decayed: Any, t: int, m: Any, v: Any) -> tuple[Any, Any, Any]:
    """`by_the_papers` with weight decay: adamw's acts on the weights, that of the others through the gradient."""
    if name != "adamw":
        return by_the_papers(name, g + decayed, t, m, v)
    direction, m, v = by_the_papers(name, g, t, m, v)
    return direction + decayed, m, v


def trajectory(optimizer: AbstractOptimizer, start: Array, steps: int = 5) -> list[Array]:
    """Parameters after each step down the slope of Σ θ⁴/4, whose gradient is θ³."""
    points, state = [start], optimizer.init(start.size, start.dtype)
    for step in range(steps):
        parameters, state = optimizer.update(points[-1], points[-1] ** 3, state, step, steps)
        points.append(parameters)
    return points


def torch_trajectory(name: str, options: dict[str, object], start: Array, steps: int = 5) -> list[Array]:
    torch = pytest.importorskip("torch")
    point = torch.tensor(start, requires_grad=True)
    optimizer = getattr(torch.optim, name)([point], **options)
    points = [start]
    for _ in range(steps):
        point.grad = point.detach() ** 3
        optimizer.step()
        points.append(point.detach().numpy().copy())
    return points


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(
    ("ours", "name", "options"),
    [
        (SGD, "SGD", {}),
        (Momentum, "SGD", {"momentum": 0.9}),
        (Nesterov, "SGD", {"momentum": 0.9, "nesterov": True}),
        (Adam, "Adam", {}),
        (AdamW, "AdamW", {}),
        (RMSprop, "RMSprop", {}),
    ],
)
def test_steps_are_those_of_torch(ours: type, name: str, options: dict[str, object], decay: float) -> None:
    start = np.array([1.0, -2.0, 0.5])
    theirs = torch_trajectory(name, {"lr": 0.01, "weight_decay": decay, **options}, start)
    assert_allclose(trajectory(ours(learning_rate=0.01, weight_decay=decay), start), theirs, rtol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.5])
@pytest.mark.parametrize("ours", ALL, ids=lambda ours: ours.name)
def test_steps_are_those_of_the_papers(ours: type[AbstractOptimizer], decay: float) -> None:
    generator, optimizer = np.random.default_rng(0), ours(learning_rate=0.1, weight_decay=decay)
    found, slopes = generator.normal(size=3), generator.normal(size=(5, 3))
    expected, memories, state = found, (np.zeros(3), np.zeros(3)), optimizer.init(3, np.float64)
    for t, slope in enumerate(slopes, 1):
        found, state = optimizer.update(found, slope, state, t - 1, len(slopes))
        direction, *memories = decayed_step(optimizer.name, slope, decay * expected, t, *memories)
        expected = expected - 0.1 * direction
        assert_allclose(found, expected, rtol=1e-12)


def test_sgd_steps_against_the_gradient() -> None:
    parameters, state = SGD(learning_rate=0.5).update(np.array([1.0, 2.0]), np.array([2.0, -2.0]), (), 0, 1)
    assert parameters.tolist() == [0.0, 3.0]
    assert state == ()


def test_momentum_remembers() -> None:
    one = np.ones(1)
    first, state = Momentum(learning_rate=1.0, momentum=0.5).update(one, one, (np.zeros(1),), 0, 2)
    second, _ = Momentum(learning_rate=1.0, momentum=0.5).update(first, one, state, 1, 2)
    assert [first[0], second[0]] == [0.0, -1.5]


def test_nesterov_looks_ahead() -> None:
    parameters, _ = Nesterov(learning_rate=1.0, momentum=0.5).update(np.zeros(1), np.ones(1), (np.ones(1),), 0, 2)
    assert parameters[0] == -(1 + 0.5 * (0.5 * 1 + 1))


@pytest.mark.parametrize("optimizer", [Adam(learning_rate=0.1), RMSprop(learning_rate=0.1, decay=0.0)])
def test_the_first_adaptive_step_has_the_size_of_the_learning_rate(optimizer: AbstractOptimizer) -> None:
    state = optimizer.init(3, np.float64)
    parameters, _ = optimizer.update(np.zeros(3), np.array([1e-3, 5.0, -200.0]), state, 0, 1)
    assert_allclose(parameters, [-0.1, -0.1, 0.1], rtol=1e-4)


@pytest.mark.parametrize("ours", ALL, ids=lambda ours: ours.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept_and_inputs_are_left_alone(ours: type[AbstractOptimizer], dtype: type) -> None:
    optimizer = ours(learning_rate=0.5, weight_decay=0.1, clip_norm=1.0, schedule=Step(every=1))
    parameters, gradient, state = np.ones(4, dtype), np.full(4, 3, dtype), optimizer.init(4, dtype)
    before = [array.copy() for array in (parameters, gradient, *state)]
    after, new_state = optimizer.update(parameters, gradient, state, 3, 9)
    assert {array.dtype for array in (after, *new_state)} == {np.dtype(dtype)}
    assert_allclose([parameters, gradient, *state], before, atol=0)
    clipped = 3 / np.linalg.norm(gradient)
    direction = decayed_step(optimizer.name, clipped, 0.1, 4, 0.0, 0.0)[0]
    assert_allclose(parameters - after, np.full(4, 0.5 * 0.5**3 * direction), rtol=1e-5)


def test_clipping_keeps_the_direction() -> None:
    optimizer = SGD(learning_rate=1.0, clip_norm=1.0)
    long, _ = optimizer.update(np.zeros(2), np.array([30.0, 40.0]), (), 0, 1)
    short, _ = optimizer.update(np.zeros(2), np.array([0.3, 0.4]), (), 0, 1)
    assert_allclose(long, [-0.6, -0.8], rtol=1e-12)
    assert_allclose(short, [-0.3, -0.4], rtol=1e-12)


def test_a_large_gradient_of_float32_is_clipped_and_not_lost() -> None:
    large = np.full(4, 3e19, np.float32)  # its squares are infinite
    moved, _ = SGD(learning_rate=1.0, clip_norm=1.0).update(np.zeros(4, np.float32), large, (), 0, 1)
    assert_allclose(moved, [-0.5] * 4, rtol=1e-6)


def test_the_schedule_scales_the_step() -> None:
    optimizer = SGD(learning_rate=1.0, schedule=Step(every=1, decay=0.5))
    moves = [optimizer.update(np.zeros(1), np.ones(1), (), step, 3)[0][0] for step in range(3)]
    assert moves == [-1.0, -0.5, -0.25]
