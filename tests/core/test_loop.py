"""A run is a pure function of spec and data: the same bits in any grouping, from any checkpoint."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dualtrain.core.data import Dataset, load
from dualtrain.core.loop import Diverged, End, Moment, Training, epoch_for, train
from dualtrain.core.nn import Network
from dualtrain.core.rounds import State, Synchronous, bundle_state, bundle_vector, make_bundle
from dualtrain.core.runtime.fingerprint import digest
from dualtrain.core.spec import JobSpec
from dualtrain.core.train import run

METHODS: list[dict[str, Any]] = [
    {"method": "per-parameter"},
    {"method": "per-neuron"},
    {"method": "forward-gradient", "directions": 8},
    {"method": "spsa", "directions": 4},
]
LOCAL: list[dict[str, Any]] = [{}, {"local_steps": 3}, {"local_steps": 3, "outer": {"name": "nesterov"}, "replicas": 3}]


@pytest.fixture(scope="session")
def mnist(data_dir: Path) -> Dataset:
    return load("mnist", 12, data_dir, ())


def a_training(data: Dataset, **fields: Any) -> Training:
    small = {"dataset": {"train_limit": 300}, "batch_size": 32, "epochs": 2, "evaluate_every": 5}
    network = {"layers": [{"units": 6, "activation": "relu"}, {"units": 10, "activation": "softmax"}]}
    return Training(JobSpec.model_validate({**small, "network": network, **fields}), data)


def moments(training: Training) -> list[Moment]:
    listened: list[Moment] = []
    run(training, listen=listened.append)
    return listened


def test_numbers_to_begin_with_are_rounded_to_the_job_s_dtype_only(mnist: Dataset) -> None:
    training = a_training(mnist, dtype="float64")
    assert np.array_equal(training.initial().parameters, training.network.init(training.spec.seed, np.dtype("float64")))


@pytest.mark.parametrize("local", [{}, {"local_steps": 3, "replicas": 5}], ids=["synchronous", "local"])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 100])
def test_shards_are_all_units_in_order(mnist: Dataset, local: dict[str, Any], count: int) -> None:
    rounds = a_training(mnist, gradient={"method": "per-parameter"}, **local).rounds
    shards = rounds.shards(0, [1.0] * count)
    assert [unit for shard in shards for unit in shard] == list(range(rounds.units(0)))
    assert len(shards) == min(count, rounds.units(0))
    assert all(shards)


def test_shards_have_about_the_same_directions(mnist: Dataset) -> None:
    sizes = [(100, "relu"), *[(5, "tanh")] * 6, (10, "softmax")]  # one layer of many large blocks, many of small ones
    network = {"layers": [{"units": units, "activation": activation} for units, activation in sizes]}
    rounds = a_training(mnist, gradient={"method": "per-parameter"}, network=network, batch_size=256).rounds
    assert isinstance(rounds, Synchronous)
    directions = [stop - start for start, stop in (block.directions for block in rounds.blocks(0))]
    first, second = (sum(directions[unit] for unit in shard) for shard in rounds.shards(0, [1.0, 1.0]))
    assert abs(first - second) <= max(directions)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method["method"])
@pytest.mark.parametrize("local", LOCAL, ids=["synchronous", "local", "nesterov"])
def test_any_grouping_and_any_break_give_the_same_bits(
    mnist: Dataset, method: dict[str, Any], local: dict[str, Any]
) -> None:
    training = a_training(mnist, gradient=method, optimizer={"name": "adam", "learning_rate": 0.01}, **local)
    quiet = run(training)

    def one_by_one(state: State) -> State:
        vector = training.rounds.vector(state)
        units = range(training.rounds.units(state.step))
        backwards = {unit: training.rounds.measure(vector.copy(), state.step, [unit])[0] for unit in reversed(units)}
        return training.rounds.advance(state, [backwards[unit] for unit in units])

    states = [training.initial()]
    while states[-1].step < training.total_steps:
        states.append(one_by_one(states[-1]))
    assert digest(states[-1].parameters) == digest(quiet.parameters)
    again = run(Training(training.spec, mnist), states[len(states) // 2])
    assert digest(again.parameters) == digest(quiet.parameters)
    assert (again.passes, again.samples_seen, again.evaluations) == (
        quiet.passes,
        quiet.samples_seen,
        quiet.evaluations,
    )


def test_an_epoch_sees_every_sample_once_and_its_last_batch_is_short(mnist: Dataset) -> None:
    training = a_training(mnist, gradient={"method": "per-neuron"}, epochs=1)
    assert training.total_steps == 10
    assert [training.batches.epoch.size(step) for step in range(10)] == [32] * 9 + [12]
    seen = np.concatenate([training.batches.batch(step)[0] for step in range(10)])
    stored = mnist.train_images[:300].astype(np.float32) / 255
    assert sorted(row.tobytes() for row in seen) == sorted(row.tobytes() for row in stored)


@pytest.mark.parametrize(
    ("limit", "held", "samples"), [(None, 0, 101), (30, 0, 30), (None, 1, 100), (500, 1, 100), (30, 80, 21)]
)
def test_an_epoch_has_the_first_samples_that_are_not_held_back(limit: int | None, held: int, samples: int) -> None:
    spec = JobSpec.model_validate({"dataset": {"train_limit": limit, "validation_limit": held}})
    assert epoch_for(spec, 101).samples == samples


def test_replicas_share_an_epoch_without_overlap(mnist: Dataset) -> None:
    training = a_training(mnist, gradient={"method": "per-neuron"}, local_steps=2, replicas=3, epochs=1)
    epoch = training.batches.epoch
    sizes = [epoch.size(step, replica) for step in range(epoch.steps) for replica in range(3)]
    assert sum(sizes) == 300
    assert run(training).samples_seen == 300


@pytest.mark.parametrize("limit", [1, 5, 33, 64, 97])
def test_the_loss_of_a_round_is_that_of_the_replicas_that_had_samples(mnist: Dataset, limit: int) -> None:
    fields = {"gradient": {"method": "per-neuron"}, "dataset": {"train_limit": limit}, "epochs": 3, "replicas": 3}
    training = a_training(mnist, local_steps=2, **fields)
    assert training.batches.epoch.size(training.batches.epoch.steps - 1, 2) == 0  # not enough for all
    for moment in moments(training)[1:]:
        assert moment.state.loss is not None and 0 < moment.state.loss < 4


def test_every_replica_counts_its_passes(mnist: Dataset) -> None:
    state = run(a_training(mnist, gradient={"method": "per-neuron"}, local_steps=2, replicas=2, max_steps=4))
    assert state.step == 4
    assert state.passes == 4 * 2 * 16


def test_limits_shorten_the_last_round(mnist: Dataset) -> None:
    training = a_training(mnist, gradient={"method": "per-neuron"}, local_steps=4, max_steps=6)
    assert [moment.state.step for moment in moments(training)] == [0, 4, 6]


def test_evaluations_come_when_they_are_due_and_at_the_end(mnist: Dataset) -> None:
    training = a_training(mnist, gradient={"method": "per-neuron"}, local_steps=2, max_steps=12, replicas=1)
    marks = [(m.state.step, m.evaluation.step) for m in moments(training) if m.evaluation]
    assert marks == [(6, 6), (10, 10), (12, 12)]


def test_the_target_accuracy_ends_a_run(mnist: Dataset) -> None:
    training = a_training(mnist, gradient={"method": "per-neuron"}, target_accuracy=0.2, epochs=30)
    state = run(training)
    assert state.step < training.total_steps
    assert training.evaluate(state).score >= 0.2


def test_an_evaluation_counts_every_test_image(mnist: Dataset) -> None:
    training = a_training(mnist, gradient={"method": "per-neuron"}, dataset={"validation_limit": 500})
    evaluation = training.evaluate(training.initial())
    images, labels = mnist.test_images.astype(np.float32) / 255, mnist.test_labels
    found = training.network.probabilities(training.initial().parameters, images).argmax(axis=1)
    assert evaluation.test_accuracy == pytest.approx((found == labels).mean())
    assert evaluation.confusion is not None
    np.testing.assert_array_equal(evaluation.confusion.sum(axis=1), np.bincount(labels))
    held, classes = mnist.validation(500)
    found = training.network.probabilities(training.initial().parameters, held.astype(np.float32) / 255).argmax(axis=1)
    assert evaluation.score == evaluation.validation_accuracy == pytest.approx((found == classes).mean())


def test_a_loss_that_is_not_finite_is_told(mnist: Dataset) -> None:
    training = a_training(mnist, gradient={"method": "per-neuron"}, optimizer={"name": "sgd", "learning_rate": 1e30})
    match = "not finite; try a lower learning rate than 1e"
    with pytest.raises(Diverged, match=match) as caught, np.errstate(all="ignore"):
        run(training)
    assert caught.value.state.step > 1
    assert caught.value.state.loss is None


def test_parameters_that_the_last_step_ruined_are_no_success(mnist: Dataset) -> None:
    optimizer = {"name": "sgd", "learning_rate": 1e300}
    training = a_training(mnist, gradient={"method": "per-neuron"}, optimizer=optimizer, max_steps=1)
    with pytest.raises(Diverged, match="a parameter after step 1 is not finite") as caught, np.errstate(all="ignore"):
        run(training)
    assert caught.value.state.loss == pytest.approx(np.log(10), abs=1)


def test_a_run_ends_with_the_round_in_which_its_time_is_over(mnist: Dataset) -> None:
    assert run(a_training(mnist, gradient={"method": "per-neuron"}, max_seconds=1e-6)).step == 1


def test_an_evaluation_of_a_wide_network_takes_fewer_samples_at_once(
    mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = a_training(mnist, gradient={"method": "per-neuron"})
    whole, sizes, predict = training.evaluate(training.initial()), [], Network.predict

    def counted(self: Network, parameters: Any, inputs: Any) -> Any:
        sizes.append(len(inputs))
        return predict(self, parameters, inputs)

    monkeypatch.setattr("dualtrain.core.evaluation.EVALUATED_NUMBERS", 144 * 300)
    monkeypatch.setattr(Network, "predict", counted)
    assert training.evaluate(training.initial()).test_accuracy == whole.test_accuracy
    assert max(sizes) == 300


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({"max_steps": 3}, End.MAX_STEPS),
        ({"epochs": 1}, End.COMPLETED),
        ({"max_steps": 10_000, "epochs": 1}, End.COMPLETED),
        ({"max_seconds": 1e-6}, End.MAX_SECONDS),
        ({"target_accuracy": 0.001, "evaluate_every": 2}, End.TARGET_ACCURACY),
    ],
)
def test_a_run_says_why_it_ended_and_is_evaluated_there(mnist: Dataset, fields: dict[str, Any], end: End) -> None:
    *before, last = moments(a_training(mnist, gradient={"method": "per-neuron"}, **fields))
    assert last.end is end
    assert last.evaluation is not None and last.evaluation.step == last.state.step
    assert [moment.end for moment in before] == [None] * len(before)


@pytest.mark.parametrize("local", LOCAL, ids=["synchronous", "local", "nesterov"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_bundles_have_the_bits_of_single_rounds(mnist: Dataset, local: dict[str, Any], optimizer: str) -> None:
    optimizers = {"name": optimizer, "learning_rate": 0.01}
    training = a_training(mnist, gradient={"method": "per-neuron"}, optimizer=optimizers, **local)
    state, size = training.initial(), training.network.size
    while state.step < training.total_steps:
        stop = min(state.step + 5, training.total_steps)
        begun = bundle_state(bundle_vector(state), size, len(state.optimizer), state.step)
        *_, state = make_bundle(training.rounds, begun, stop, 1000.0)
    assert digest(state.parameters) == digest(run(training).parameters)


def test_a_bundle_has_one_round_at_least_and_ends_with_its_time(mnist: Dataset) -> None:
    training = a_training(mnist, gradient={"method": "per-neuron"})
    assert [state.step for state in make_bundle(training.rounds, training.initial(), 9, 0.0)] == [1]


def test_a_training_that_was_evaluated_before_it_went_on_is_not_evaluated_again(mnist: Dataset) -> None:
    training = a_training(mnist, gradient={"method": "per-neuron"}, max_steps=2)
    state = run(training)
    evaluation = training.evaluate(state)

    def begin(state: State, *, evaluate: bool, stop: int | None) -> Any:
        assert (evaluate, stop) == (False, None)

    (moment,) = train(training, state, begin, lambda: 0.0, evaluation)
    assert (moment.end, moment.evaluation) == (End.MAX_STEPS, None)
