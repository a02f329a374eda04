"""Spec documents from a file and assignments."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dualtrain.core.nn import Adam
from dualtrain.core.overrides import KINDS, document
from dualtrain.core.spec import JobSpec


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


def test_another_kind_brings_its_own_defaults() -> None:
    assert JobSpec.model_validate(document(None, ["optimizer.name=adam"])).optimizer == Adam()
    found = document(None, ["gradient.method=forward-gradient"])
    assert found["gradient"] == {"method": "forward-gradient"}


def test_what_is_set_beside_a_kind_stays_in_any_order() -> None:
    wanted = ("optimizer.learning_rate=0.5", "optimizer.name=adam", "optimizer.schedule.name=cosine")
    for assignments in itertools.permutations((*wanted, "optimizer.schedule.warmup_steps=3")):
        optimizer = JobSpec.model_validate(document(None, assignments)).optimizer
        assert (optimizer.name, optimizer.learning_rate, optimizer.schedule.name) == ("adam", 0.5, "cosine")
        assert optimizer.schedule.warmup_steps == 3


def test_the_same_kind_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"optimizer": {"name": "adam", "beta1": 0.5}}))
    assert document(path, ["optimizer.name=adam"])["optimizer"] == {"name": "adam", "beta1": 0.5}


def discriminators(schema: dict[str, Any], node: Any, path: str = "") -> Iterator[str]:
    """The fields of a JSON schema that choose between objects, as keys of an assignment."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    if "discriminator" in node:
        yield f"{path}{node['discriminator']['propertyName']}"
    for one in node.get("oneOf", ()):
        yield from discriminators(schema, one, path)
    for name, value in node.get("properties", {}).items():
        yield from discriminators(schema, value, f"{path}{name}.")


def test_the_kinds_are_those_of_the_spec() -> None:
    schema = JobSpec.model_json_schema()
    assert set(discriminators(schema, schema)) == set(KINDS)
