"""The job spec: everything that a result depends on, with a default for every field, and what can be wrong with it."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from dualtrain.core.gradients import CustomMethod, GradientMethod, Method, PerNeuron, PerParameter
from dualtrain.core.gradients.local_losses import LocalMethod
from dualtrain.core.nn import (
    SGD,
    AnyLayer,
    Custom,
    Dense,
    LayerFault,
    LocalLosses,
    LossName,
    Network,
    Optimizer,
    Residual,
)
from dualtrain.core.nn.trial import trial_fault
from dualtrain.core.rounds import Outer, OuterAverage
from dualtrain.core.validation import Fault

MAX_PARAMETERS = 10_000_000
"""More would not fit through a round: one round moves the parameters to every worker, and their rows back."""

Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Text = Annotated[str, StringConstraints(max_length=512)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DatasetSpec(_Part):
    """Data set of a job. Images are scaled to `image_size` x `image_size` pixels; 28 are the original ones."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        "mnist", description="one of `GET /v1/datasets`", examples=["mnist"]
    )
    image_size: int = Field(12, ge=4, le=64, description="pixels a side")
    train_limit: int | None = Field(None, ge=1, le=1_000_000_000, description="train on only the first N samples")
    validation_limit: int = Field(0, ge=0, le=1_000_000_000, description="training samples held back to choose `best`")

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape of an image: height, width, channels."""
        return (self.image_size, self.image_size, 1)


class NetworkSpec(_Part):
    """Layer after layer; the last has one unit for each class."""

    layers: tuple[AnyLayer, ...] = Field(
        (Dense(20, "relu", "he"), Dense(10, "softmax", "xavier")), min_length=1, max_length=32,
        description="dense, conv2d, max-pool2d, avg-pool2d, layer-norm, residual or custom, from pixels to classes",
    )  # fmt: skip
    loss: LossName = Field("cross-entropy", description="what is made small, a mean over the samples")
    local_losses: LocalLosses | None = Field(None, description="a head and a loss for every hidden layer")


class SeedsSpec(_Part):
    """Seeds of their own; null takes `seed`. Jobs that differ in one of them only compare estimators in pairs."""

    weights: Seed | None = Field(None, description="of the initial weights")
    order: Seed | None = Field(None, description="of the order of samples")
    directions: Seed | None = Field(None, description="of random directions")


class DiagnosticsSpec(_Part):
    """Figures that are computed beside the training and never change it."""

    cosine_every: Count | None = Field(
        None, description="steps between two comparisons of the gradient with the exact one of the same batch"
    )


class JobSpec(_Part):
    """A training job. `{}` trains the network of the blog post on 12x12 MNIST for one epoch."""

    name: Annotated[str, StringConstraints(max_length=200)] = Field(
        "", description="for people", examples=["seed network"]
    )
    dataset: DatasetSpec = Field(DatasetSpec(), description="what is trained on")
    network: NetworkSpec = Field(NetworkSpec(), description="what is trained")
    gradient: GradientMethod = Field(PerParameter(), description="how forward passes become a gradient")
    optimizer: Optimizer = Field(SGD(), description="how a gradient becomes a step")
    batch_size: int = Field(64, ge=1, le=65_536, description="samples of a step, for each replica")
    epochs: int = Field(1, ge=1, le=100_000, description="times that all training samples are used")
    max_steps: Count | None = Field(None, description="ends the job after this many steps, before its epochs are over")
    max_seconds: float | None = Field(None, gt=0, le=31_536_000, description="of running; paused time does not count")
    target_accuracy: float | None = Field(None, gt=0, le=1, description="ends the job when it is reached")
    evaluate_every: Count = Field(100, description="steps from one evaluation on the whole test split to the next")
    local_steps: int = Field(1, ge=1, le=100_000, description="above 1: optimizer steps per replica and round")
    replicas: int = Field(2, ge=1, le=256, description="counts only when `local_steps` is above 1")
    outer: Outer = Field(
        OuterAverage(), description="how the replicas' changes become one; counts only with `local_steps`"
    )
    shards: Literal["auto"] | Annotated[int, Field(ge=1, le=4096)] = Field(
        "auto", description="pieces that a round is cut into; never changes the result"
    )
    dtype: Literal["float32", "float64"] = Field("float32", description="of parameters and arithmetic")
    seed: Seed = Field(0, description="random seed: initial weights, order of samples, random directions")
    seeds: SeedsSpec = Field(SeedsSpec(), description="seeds that differ from `seed`")
    diagnostics: DiagnosticsSpec = Field(DiagnosticsSpec(), description="what is measured beside the training")
    priority: int = Field(5, ge=0, le=9, description="9 runs first; equals run in the order in which they came")
    initial_weights: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="a job's id or an alias: start from its newest checkpoint"
    )
    keep_checkpoints: int = Field(5, ge=0, le=100, description="kept besides the best and the last")
    keep_seconds: int = Field(604_800, ge=0, le=315_360_000, description="an ended job is deleted after this time")
    webhook_url: Annotated[str, StringConstraints(max_length=2000)] | None = Field(
        None, description="gets a signed POST when the job ends", examples=["https://example.org/hooks/dualtrain"]
    )
    webhook_events: tuple[Literal["started", "evaluation", "ended"], ...] = Field(
        ("ended",), max_length=3, description="events that the webhook is called for"
    )
    metadata: dict[Annotated[str, StringConstraints(min_length=1, max_length=64)], Text] = Field(
        {}, max_length=16, description="for people; jobs are found by it: `metadata[name]=value`"
    )

    @property
    def weights_seed(self) -> int:
        """The seed of the initial weights."""
        return self.seed if self.seeds.weights is None else self.seeds.weights

    @property
    def order_seed(self) -> int:
        """The seed of the order of samples."""
        return self.seed if self.seeds.order is None else self.seeds.order

    @property
    def directions_seed(self) -> int:
        """The seed of random directions."""
        return self.seed if self.seeds.directions is None else self.seeds.directions

    @property
    def model(self) -> Network:
        """The network, over the images of its data set. Its layers must fit each other."""
        network = self.network
        return Network(self.dataset.image_shape, tuple(network.layers), network.loss, network.local_losses)

    @property
    def method(self) -> Method:
        """The gradient method, applied to each part of a network with local losses."""
        return self.gradient if self.network.local_losses is None else LocalMethod(self.gradient)


def faults(spec: JobSpec, classes: int, train_samples: int) -> list[Fault]:
    """Return the faults of valid fields that do not fit together or to a data set of `classes` and `train_samples`."""
    if missing := [*_unknown_layers(spec)] or [*_unfit_layers(spec)]:
        return missing  # without its layers there is no network to look at
    network = spec.model
    try:
        network.size  # noqa: B018
    except LayerFault as error:
        return [Fault("/network/local_losses/groups", "layer_does_not_fit", str(error))]
    if failing := [*_failing_layers(network)]:
        return failing
    return [*_size_faults(network), *_class_faults(spec, network, classes), *_method_faults(spec, network),
            *_factor_faults(spec), *_split_faults(spec, train_samples)]  # fmt: skip


def _unknown_layers(spec: JobSpec) -> Iterator[Fault]:
    for index, layer in enumerate(spec.network.layers):
        inner = layer.layers if isinstance(layer, Residual) else ()
        places = [(f"{index}", layer), *((f"{index}/layers/{place}", own) for place, own in enumerate(inner))]
        for place, own in places:
            try:
                if isinstance(own, Custom):
                    own.find()
            except ValueError as error:
                yield Fault(f"/network/layers/{place}/custom", "unknown_layer", str(error))


def _unfit_layers(spec: JobSpec) -> Iterator[Fault]:
    """Yield a fault for the first layer that does not fit what the one before it makes."""
    shape: tuple[int, ...] = spec.dataset.image_shape
    for index, layer in enumerate(spec.network.layers):
        field = "custom" if isinstance(layer, Custom) else ""
        try:
            after = layer.output_shape(shape)
            layer.shapes(shape)
            shape = after
        except ValueError as error:
            field = error.field if isinstance(error, LayerFault) else field
            yield Fault(f"/network/layers/{index}/{field}".rstrip("/"), "layer_does_not_fit", str(error))
            return


def _failing_layers(network: Network) -> Iterator[Fault]:
    for node, shape in zip(network.nodes, network.shapes, strict=False):
        if isinstance(node.layer, Custom) and (message := trial_fault(node.layer, shape)):
            place = f"{node.index}/layers/{node.prefix[:-1]}" if node.prefix else f"{node.index}"
            yield Fault(f"/network/layers/{place}/custom", "layer_fails", f"layer {node.layer.custom!r}: {message}")


def _size_faults(network: Network) -> Iterator[Fault]:
    if network.size > MAX_PARAMETERS:
        message = f"the network has {network.size:,} parameters; at most {MAX_PARAMETERS:,} are allowed"
        yield Fault("/network/layers", "too_many_parameters", message)
    elif not network.size:
        yield Fault("/network/layers", "no_parameters", "no layer has parameters, so there is nothing to train")


def _class_faults(spec: JobSpec, network: Network, classes: int) -> Iterator[Fault]:
    if network.classes == classes:
        return
    last = len(spec.network.layers) - 1
    layer = spec.network.layers[last]
    part = "/units" if isinstance(layer, Dense) else "/custom" if isinstance(layer, Custom) else ""
    message = f"the last layer has {network.classes} outputs; data set {spec.dataset.name!r} has {classes} classes"
    yield Fault(f"/network/layers/{last}{part}", "wrong_output_size", f"{message}, so it needs {classes}")


def _method_faults(spec: JobSpec, network: Network) -> Iterator[Fault]:
    if isinstance(spec.gradient, CustomMethod):
        try:
            spec.gradient.find()
        except ValueError as error:
            yield Fault("/gradient/name", "unknown_method", str(error))
            return
    try:
        spec.method.check(network)
    except ValueError as error:
        yield Fault("/gradient/method", "method_cannot_do_layer", str(error))

    if spec.diagnostics.cosine_every is not None:
        yield from _cosine_faults(spec, network)


def _cosine_faults(spec: JobSpec, network: Network) -> Iterator[Fault]:
    """Yield why there is no exact gradient to compare with."""
    pointer = "/diagnostics/cosine_every"
    if spec.local_steps > 1:
        message = "gradients of local steps are not compared; set local_steps to 1 or cosine_every to null"
        yield Fault(pointer, "no_exact_gradient", message)
    try:
        PerNeuron().check(network)
    except ValueError as error:
        yield Fault(pointer, "no_exact_gradient", f"the exact gradient is per-neuron's: {error}")


def _factor_faults(spec: JobSpec) -> Iterator[Fault]:
    factors, layers = spec.optimizer.layer_factors, len(spec.network.layers)
    if factors is not None and len(factors) != layers:
        message = f"there are {len(factors)} factors for {layers} layers; give one for each"
        yield Fault("/optimizer/layer_factors", "wrong_number_of_factors", message)


def _split_faults(spec: JobSpec, train_samples: int) -> Iterator[Fault]:
    held = spec.dataset.validation_limit
    if held >= train_samples:
        message = f"{held} samples are held back, but data set {spec.dataset.name!r} has only {train_samples}"
        yield Fault("/dataset/validation_limit", "nothing_left_to_train", message)
