"""What is sent over the exchange is what arrives, in the form that other processes expect, older ones too."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualtrain.core.store import Brief, BundleResult, Doing, Failure, RoundMessage, RowsMessage, Worker, pack, unpack
from dualtrain.core.store.broker import Kind, Task


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), st.sampled_from(["<f4", "<f8"]))
def test_rows_of_several_blocks_come_back_as_they_were(lengths: list[int], dtype: str) -> None:
    rows = [np.arange(n, dtype=dtype) + n for n in lengths]
    for sent, got in zip(rows, unpack(pack(rows)), strict=True):
        assert got.dtype == sent.dtype
        np.testing.assert_array_equal(got, sent)


def test_a_body_that_is_cut_off_is_refused() -> None:
    with pytest.raises(ValueError, match="3 numbers where its header says 4"):
        unpack(pack([np.arange(4.0)])[:-8])


@given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(0, 4))
def test_a_round_keeps_header_and_bits(token: int, step: int, size: int) -> None:
    vector = np.random.default_rng(size).normal(size=size).astype(np.float32)
    got = RoundMessage.from_bytes(RoundMessage(token, step, vector).to_bytes(), vector.dtype)
    assert (got.token, got.step) == (token, step)
    assert got.vector.tobytes() == vector.tobytes()


def test_a_bundle_keeps_figures_and_bits() -> None:
    vectors = [np.arange(3, dtype=np.float32), np.arange(3, dtype=np.float32) / 3]
    sent = BundleResult(vectors, {"step": 9, "loss": float("inf")}, [{"step": 8, "loss": None}])
    got = BundleResult.from_bytes(sent.to_bytes())
    assert (got.figures, got.points) == (sent.figures, sent.points)
    assert [vector.tobytes() for vector in got.vectors] == [vector.tobytes() for vector in vectors]


ALIVE: dict[str, Any] = {
    "id": "h-1",
    "host": "h",
    "pid": 1,
    "since": "2026-11-28T10:00:00.000Z",
    "seen": "2026-11-28T10:00:01.000Z",
    "numerics": "n",
    "code": "c",
    "doing": {"job": "j", "step": 4, "shard": 2},
}
WRITTEN: list[tuple[Brief | Failure | Worker, dict[str, Any]]] = [
    (Brief({"seed": 3}, "c", "n"), {"spec": {"seed": 3}, "code": "c", "numerics": "n"}),
    (Failure.of(OSError("größer")), {"type": "OSError", "text": "größer"}),
    (Worker(**{**ALIVE, "doing": Doing.of(Task("j", 9, 4, 2, 3, Kind.SHARD, 0, 1))}), ALIVE),
    (Worker(**{**ALIVE, "doing": None}), {**ALIVE, "doing": None}),
]


@pytest.mark.parametrize(("record", "form"), WRITTEN, ids=lambda one: type(one).__name__)
def test_records_are_json_that_other_code_may_say_more_in(
    record: Brief | Failure | Worker, form: dict[str, Any]
) -> None:
    assert record.to_bytes() == json.dumps(form).encode()
    assert type(record).from_bytes(json.dumps({**form, "newer": 1}).encode()) == record


def test_any_text_of_an_exception_arrives() -> None:
    failure = Failure("OSError", "no such file: '\udc80'")
    sent = RowsMessage(0, 0, 1, RowsMessage.FAILED, 0.0, "w", failure.to_bytes())
    assert RowsMessage.from_bytes(sent.to_bytes()).failure == failure
