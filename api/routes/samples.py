"""Samples of a data set, as the page and the demonstration show them."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from dualtrain.api.dependencies import ServicesDep, reads
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.core.data import SIDE, UnknownDataset, load

router = APIRouter(prefix="/v1", tags=["datasets"], dependencies=reads)

LIMIT = 100


class Sample(BaseModel):
    """One image with what it shows."""

    index: int
    label: int
    name: str = Field(description="the name of the class")
    pixels: list[int] = Field(description="28x28 numbers 0 to 255, row after row; `pixels` of a prediction takes them")


class SampleList(BaseModel):
    """Neighbouring samples of a split, in their order."""

    data: list[Sample]
    total: int


@router.get(
    "/datasets/{name:path}/samples",
    response_model=SampleList,
    responses=documented("unauthenticated", "forbidden", "not_found", "invalid"),
)
def list_samples(
    services: ServicesDep,
    name: str,
    split: Literal["train", "test"] = "test",
    first: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=LIMIT)] = 10,
) -> Any:
    """Show samples in the form that predictions take. The first call on a host reads the data set."""
    settings = services.settings
    try:
        data = load(name, SIDE, settings.data_dir, settings.hub_datasets)
    except UnknownDataset as error:
        raise Problem("not_found", str(error)) from error
    images, labels = (getattr(data, f"{split}_{what}") for what in ("images", "labels"))
    chosen = range(first, min(first + limit, len(labels)))
    found = [
        Sample(index=i, label=int(labels[i]), name=data.classes[labels[i]], pixels=images[i].tolist()) for i in chosen
    ]
    return SampleList(data=found, total=len(labels))
