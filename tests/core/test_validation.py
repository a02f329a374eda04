"""Faults of documents, whatever is wrong with them."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dualtrain.core.spec import JobSpec
from dualtrain.core.validation import MAX_FAULTS, Fault, Invalid, nearest, parse


def found(document: Any) -> tuple[Fault, ...]:
    with pytest.raises(Invalid) as refusal:
        parse(JobSpec, json.dumps(document).encode())
    return refusal.value.faults


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"epochs": 0}, "/epochs: Input should be greater than or equal to 1"),
        ({"epochs": "2"}, "/epochs: Input should be a valid integer"),
        ({"epoch": 2}, "/epoch: there is no field 'epoch' here (did you mean 'epochs'?)"),
        ({"zzz": 2}, "/zzz: there is no field 'zzz' here; leave it out"),
        ({"gradient": {"method": "per-nueron"}}, "/gradient/method: 'per-nueron' is not known; there are: "),
        ({"gradient": {"method": None}}, "/gradient/method: 'None' is not known; there are: "),
        ({"optimizer": 5}, "/optimizer: Input should be an object"),
        ({"network": {"layers": [5]}}, "/network/layers/0: Input should be an object"),
        ({"network": {"layers": [{"units": 0}]}}, "/network/layers/0/units: Input should be greater"),
        ([], "the body: "),
    ],
)
def test_a_fault_says_where_what_and_what_may_have_been_meant(document: Any, told: str) -> None:
    (fault,) = found(document)
    assert str(fault).startswith(told)


def test_every_fault_is_told_on_a_line() -> None:
    with pytest.raises(Invalid) as refusal:
        parse(JobSpec, b'{"epochs": 0, "seed": -1}')
    assert [line.partition(":")[0] for line in str(refusal.value).splitlines()] == ["/epochs", "/seed"]


def test_what_is_no_json_is_no_document_with_faults() -> None:
    with pytest.raises(ValueError, match="EOF") as refusal:
        parse(JobSpec, b'{"epochs": ')
    assert not isinstance(refusal.value, Invalid)


@pytest.mark.parametrize(
    "document",
    [
        "{" + ",".join(f'"a{i:x}": 0' for i in range(30_000)) + "}",
        '{"network": {"layers": [' + ",".join("{}" for _ in range(20_000)) + "]}}",
    ],
    ids=["unknown fields", "empty layers"],
)
def test_a_document_of_many_faults_costs_what_reading_it_costs(document: str) -> None:
    """Explaining all of them, each beside all others, took minutes of a processor."""
    started = time.process_time()
    with pytest.raises(Invalid) as refusal:
        parse(JobSpec, document.encode())
    assert time.process_time() - started < 5
    assert len(refusal.value.faults) == MAX_FAULTS
    assert refusal.value.count > 10_000
    assert "more faults" in str(refusal.value)


def places(node: Any) -> list[list[Any]]:
    """The keys that lead to every part of a document."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [[], *([key, *rest] for key, value in inner for rest in places(value))]


def put(node: Any, keys: list[Any], value: Any) -> Any:
    if not keys:
        return value
    changed = dict(node) if isinstance(node, dict) else list(node)
    changed[keys[0]] = put(node[keys[0]], keys[1:], value)
    return changed


DEFAULT = JobSpec().model_dump(mode="json")
LEAVES = some.none() | some.booleans() | some.integers(-3, 3) | some.text(max_size=3) | some.just(0.5)
VALUES = some.recursive(
    LEAVES, lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.text(max_size=3), inner, max_size=2)
)


@given(place=some.sampled_from(places(DEFAULT)), value=VALUES)
def test_a_pointer_leads_to_a_place_of_the_document_or_to_what_is_missing_there(place: list[Any], value: Any) -> None:
    document = put(DEFAULT, place, value)
    try:
        parse(JobSpec, json.dumps(document).encode())
    except Invalid as error:
        known = {
            "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys) for keys in places(document)
        }
        assert error.faults
        for fault in error.faults:
            assert fault.pointer in known or fault.pointer.rpartition("/")[0] in known


def test_nothing_is_near_to_what_is_far_or_no_name() -> None:
    assert nearest("epoch", ["epochs", "seed"]) == "epochs"
    assert nearest("qqqqqq", ["epochs"]) is None
    assert nearest(5, ["epochs"]) is None
