from importlib.metadata import EntryPoint

import numpy as np
import pytest

from dualtrain.core.nn import Custom, custom


def doubled(parameters: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    return np.concatenate([inputs * parameters[0], inputs], axis=1)


doubled.units = lambda fan_in: 2 * fan_in  # type: ignore[attr-defined]
doubled.size = lambda fan_in: 1  # type: ignore[attr-defined]


def test_quantize_rounds_to_sixteenths() -> None:
    assert custom.find("quantize")(np.empty(0), np.array([0.03, 0.04, -1.0])).tolist() == [0.0, 0.0625, -1.0]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no layer 'nosuch' is installed .* quantize"):
        custom.find("nosuch")


def test_a_layer_is_found_among_the_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("doubled", f"{__name__}:doubled", custom.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: doubled)
    monkeypatch.setattr(custom, "entry_points", lambda group: [point] if group == custom.GROUP else [])
    custom.find.cache_clear()
    layer = Custom("doubled")
    assert layer.output_shape((3,)) == (6,)
    assert layer.shapes((3,)) == {"parameters": (1,)}
    assert layer.connect((np.array([2.0]),), np.ones((1, 2))).tolist() == [[2.0, 2.0, 1.0, 1.0]]
    custom.find.cache_clear()


def test_a_layer_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("broken", "nowhere:layer", custom.GROUP)
    monkeypatch.setattr(custom, "entry_points", lambda group: [point])
    custom.find.cache_clear()
    with pytest.raises(ValueError, match="layer 'broken' cannot be loaded from 'nowhere:layer': No module"):
        custom.find("broken")
