"""Spec documents from a file and assignments."""

import json
from pathlib import Path

import pytest

from core.assignments import document
from core.spec import JobSpec


def test_without_anything_it_is_the_default_spec() -> None:
    assert document(None, ()) == JobSpec().model_dump(mode="json")


def test_a_file_is_laid_over_the_defaults_and_assignments_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"epochs": 3, "batch_size": 8}))
    found = document(path, ["epochs=5", "dataset.image_size=28", "network.layers.0.units=100", "name=seven"])
    assert (found["epochs"], found["batch_size"], found["name"]) == (5, 8, "seven")
    assert found["dataset"]["image_size"] == 28
    assert [layer["units"] for layer in found["network"]["layers"]] == [100, 10]
    assert JobSpec.model_validate(found).dataset.image_size == 28


@pytest.mark.parametrize("wrong", ["epochs", "network.layers.7.units=3", "network.layers.x=3", "name.first=1"])
def test_a_key_that_leads_nowhere_is_named(wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong.partition("=")[0]):
        document(None, [wrong])


def test_a_file_that_holds_no_object_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text("[1]")
    with pytest.raises(ValueError, match="no JSON object"):
        document(path, ())
