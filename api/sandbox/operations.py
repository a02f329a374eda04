"""Operations of children: each unpacks a request, calls the code that does the work, and packs the result."""

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from dualtrain.api.predictions import answers, bodies, model_file, open_inference, samples, tracing
from dualtrain.api.predictions.model import LoadedModel
from dualtrain.api.sandbox.request import Reply, Request
from dualtrain.core.data import install
from dualtrain.core.estimate import measure
from dualtrain.core.loop import network_for
from dualtrain.core.spec import JobSpec


def predict(request: Request) -> Reply:
    """Classify the images of a body. Without a model in the request, the API is asked for the one that the body names.

    Files: the body, the parameters of the model.
    """
    body = bodies.parse(request.arguments["content_type"], request.content())
    model = _model(request, body.model)
    images = body.images(model.preprocessing)
    started = time.perf_counter()
    response = answers.respond(model, images, request.arguments["preview"])
    return {"seconds": time.perf_counter() - started}, response


def infer(request: Request) -> Reply:
    """Answer a request of the Open Inference Protocol. Files: the body, the parameters of the model."""
    model = _model(request)
    call = open_inference.Infer.parse(request.content(), request.arguments["header_length"])
    started = time.perf_counter()
    headers, response = call.respond(request.arguments["name"], model)
    return {"seconds": time.perf_counter() - started, "headers": headers}, response


def trace(request: Request) -> Reply:
    """Follow a direction. Files: the body, the parameters of the model."""
    parsed = tracing.parse(request.content())
    view = tracing.respond(_model(request), parsed, *_places(request))
    return {}, view.model_dump_json().encode()


def list_samples(request: Request) -> Reply:
    """Return samples of a data set, which is prepared if this host has not done so."""
    choice = {name: request.arguments[name] for name in ("name", "split", "first", "limit")}
    data_dir, hub_datasets = _places(request)
    listed = samples.samples(**choice, data_dir=data_dir, hub_datasets=hub_datasets)
    return {}, listed.model_dump_json().encode()


def read_model(request: Request) -> Reply:
    """Return spec and parameters of a safetensors file. The API is asked whether it accepts the spec."""
    spec, parameters = model_file.parse(
        request.content(), lambda spec: _ignore(request.ask({"spec": spec.model_dump_json()}))
    )
    return {"spec": spec.model_dump_json()}, parameters.tobytes()


def install_dataset(request: Request) -> Reply:
    """Install an uploaded file as a data set, and report to the API how many samples are read."""
    description = install(
        request.arguments["name"],
        Path(f"/dev/fd/{request.files[0]}"),
        Path(request.arguments["data_dir"]),
        lambda done: _ignore(request.ask({"samples_read": done})),
        request.arguments["preprocessing"],
    )
    return asdict(description), b""


def time_round(request: Request) -> Reply:
    """Measure the parts of a round of a job."""
    spec = JobSpec.model_validate_json(request.arguments["spec"])
    return measure(spec, network_for(spec).classes).model_dump(), b""


OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    operation.__name__: operation
    for operation in (predict, infer, trace, list_samples, read_model, install_dataset, time_round)
}
"""Operations by name."""


def _model(request: Request, name: str | None = None) -> LoadedModel:
    """Return the model of the request, or the one that the API gives for a name."""
    if request.arguments["model"] is not None:
        return LoadedModel.received(request.arguments["model"], request.files[1])
    answer = request.ask({"model": name})
    try:
        return LoadedModel.received(answer.document, answer.files[0])
    finally:
        os.close(answer.files[0])


def _places(request: Request) -> tuple[Path, tuple[str, ...]]:
    return Path(request.arguments["data_dir"]), tuple(request.arguments["hub_datasets"])


def _ignore(answer: object) -> None:
    """Drop the answer to a question that only waits for consent."""
