from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pydantic import TypeAdapter, ValidationError

from dualtrain.core.nn import (
    AnyLayer,
    AvgPool2D,
    Conv2D,
    Custom,
    Dense,
    Layer,
    LayerFault,
    LayerNorm,
    MaxPool2D,
    Residual,
)

LAYERS: TypeAdapter[tuple[AnyLayer, ...]] = TypeAdapter(tuple[AnyLayer, ...])


def test_dense_is_an_affine_map() -> None:
    weights, bias, inputs = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 20.0]), np.array([[1.0, 1.0]])
    assert_allclose(Dense(2).connect((weights, bias), inputs), [[14.0, 26.0]])
    assert_allclose(Dense(2, bias=False).connect((weights,), inputs), [[4.0, 6.0]])


def test_shapes_follow_the_flat_layout() -> None:
    assert Dense(3).shapes((5,)) == {"weights": (5, 3), "bias": (3,)}
    assert Dense(3, bias=False).shapes((5,)) == {"weights": (5, 3)}
    assert Dense(4, groups=2).shapes((6,)) == {"weights": (2, 3, 2), "bias": (4,)}
    assert Conv2D(filters=4, kernel_size=5).shapes((9, 8, 3)) == {"kernel": (5, 5, 3, 4), "bias": (4,)}
    assert LayerNorm(affine=True).shapes((9, 8, 3)) == {"scale": (3,), "offset": (3,)}


def test_biases_start_at_zero() -> None:
    weights, bias = Dense(3, initializer="he").init(np.random.default_rng(0), (5,))
    assert np.all(weights != 0)
    assert np.all(bias == 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(units=0), "units\n.*greater than or equal to 1 .*input_value=0"),
        (lambda: Dense(3, activation="rleu"), "activation\n.*'relu'.*input_value='rleu'"),  # type: ignore[arg-type]
        (lambda: Dense(3, initializer="ho"), "initializer\n.*'he'.*input_value='ho'"),  # type: ignore[arg-type]
    ],
)
def test_faults_are_named_with_what_would_do(make: Callable[[], Dense], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_layers_are_read_from_json_as_they_are() -> None:
    text = (
        b'[{"units":20,"activation":"relu","initializer":"he","bias":false,"groups":2},'
        b'{"custom":"quantize","options":{"levels":3}},'
        b'{"type":"conv2d","filters":8,"kernel_size":3,"stride":1,"padding":"same","activation":"identity",'
        b'"initializer":"he","bias":true},{"type":"max-pool2d","size":2,"stride":null},'
        b'{"type":"avg-pool2d","size":3,"stride":1},{"type":"layer-norm","affine":true},'
        b'{"type":"residual","layers":[{"type":"layer-norm","affine":false}]}]'
    )
    layers = LAYERS.validate_json(text)
    assert layers == (
        Dense(20, "relu", "he", bias=False, groups=2),
        Custom("quantize", {"levels": 3}),
        Conv2D(filters=8, padding="same"),
        MaxPool2D(),
        AvgPool2D(size=3, stride=1),
        LayerNorm(affine=True),
        Residual(layers=(LayerNorm(),)),
    )
    assert LAYERS.dump_json(layers) == text


@pytest.mark.parametrize(
    ("layer", "shape", "field", "message"),
    [
        (Dense(4, groups=3), (6,), "groups", "4 units cannot be cut into 3 equal groups"),
        (Dense(6, groups=3), (8,), "groups", "8 inputs cannot be cut into 3 equal groups"),
        (Conv2D(filters=1, kernel_size=5), (4, 9, 1), "kernel_size", "5 x 5 does not fit into images of 4 x 9"),
        (Conv2D(filters=1), (12,), "", r"needs images \(height, width, channels\), not 12 numbers"),
        (MaxPool2D(size=3), (2, 2, 1), "size", "3 x 3 does not fit"),
        (Residual(layers=(Dense(3),)), (4,), "layers", r"make \(3,\) of \(4,\)"),
        (Residual(layers=(LayerNorm(), MaxPool2D())), (1, 1, 2), "layers/1/size", "2 x 2 does not fit"),
        (LayerNorm(), (12, 12, 1), "", "has one number, and normalizing one makes 0"),
    ],
)
def test_a_layer_that_does_not_fit_names_the_field(
    layer: Layer, shape: tuple[int, ...], field: str, message: str
) -> None:
    with pytest.raises(LayerFault, match=message) as caught:
        layer.output_shape(shape)
    assert caught.value.field == field


@pytest.mark.parametrize("layer", [{"units": 0}, {"units": 3, "nuits": 4}, {"custom": "quantize", "units": 2}, {}])
def test_other_json_is_refused(layer: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LAYERS.validate_python([layer])
