"""Samples of a data set in the form that predictions accept."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, Field

from dualtrain.core.data import SIDE, load


class Sample(BaseModel):
    """One image and its class."""

    index: int
    label: int
    name: str = Field(description="the name of the class")
    pixels: list[int] = Field(description="28x28 numbers 0 to 255, row after row; `pixels` of a prediction takes them")


class SampleList(BaseModel):
    """Consecutive samples of a split."""

    data: list[Sample]
    total: int


def samples(name: str, split: str, first: int, limit: int, data_dir: Path, hub_datasets: Sequence[str]) -> SampleList:
    """Return at most `limit` samples of a split from number `first` on. Raises UnknownDataset."""
    data = load(name, SIDE, data_dir, hub_datasets)
    images = getattr(data, f"{split}_images")
    labels = getattr(data, f"{split}_labels")
    chosen = range(first, min(first + limit, len(labels)))
    listed = [
        Sample(index=i, label=int(labels[i]), name=data.classes[labels[i]], pixels=images[i].tolist()) for i in chosen
    ]
    return SampleList(data=listed, total=len(labels))
