"""Samples: whole neighbours of a split, with their true classes."""

from pathlib import Path

import httpx2
import numpy as np
import pytest

from dualtrain.core.data import load


@pytest.mark.parametrize("split", ["train", "test"])
def test_consecutive_samples_of_a_split(client: httpx2.Client, data_dir: Path, split: str) -> None:
    data = load("mnist", 28, data_dir, ())
    images, labels = (getattr(data, f"{split}_{what}") for what in ("images", "labels"))
    found = client.get(f"/v1/datasets/mnist/samples?split={split}&first=7&limit=3").json()
    assert found["total"] == len(labels)
    assert [one["index"] for one in found["data"]] == [7, 8, 9]
    for one in found["data"]:
        assert np.array_equal(one["pixels"], images[one["index"]])
        assert (one["label"], one["name"]) == (labels[one["index"]], str(labels[one["index"]]))


@pytest.mark.parametrize(("first", "indices"), [(9_998, [9_998, 9_999]), (10_000, []), (10**9, [])])
def test_a_split_ends(client: httpx2.Client, first: int, indices: list[int]) -> None:
    found = client.get(f"/v1/datasets/mnist/samples?first={first}").json()["data"]
    assert [one["index"] for one in found] == indices


def test_an_unknown_data_set_is_404(client: httpx2.Client) -> None:
    answer = client.get("/v1/datasets/nothing/samples")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
