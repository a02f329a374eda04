"""The OpenAPI document: what FastAPI makes of the routes, and the job spec, which is parsed from its bytes."""

from typing import Any

from fastapi import FastAPI

from dualtrain.api.errors.problems import MEDIA_TYPE
from dualtrain.api.jobs.requeue import Extension
from dualtrain.api.predictions.answers import PredictionRequest
from dualtrain.api.predictions.open_inference import InferRequest
from dualtrain.api.predictions.tracing import TraceRequest
from dualtrain.api.routes.bulk_actions import BulkAction
from dualtrain.api.routes.job_edits import Clone, JobEdit
from dualtrain.core.spec import JobSpec
from dualtrain.core.sweep import SweepSpec

DESCRIPTION = """Trains neural networks without backpropagation, as a service.

Errors are RFC 9457 problems (`application/problem+json`) with a stable `code`. Times are ISO 8601 in UTC.
Follow a job by server-sent events, by `Prefer: wait=N`, or by polling with `If-None-Match`."""

REFERENCE = "#/components/schemas/{model}"
RAW_BODIES = (JobSpec, JobEdit, Clone, Extension, BulkAction, SweepSpec, PredictionRequest, InferRequest, TraceRequest)
"""Bodies that are parsed from their bytes, so FastAPI does not see their models."""


def install(app: FastAPI) -> None:
    """Make the application serve this document, generated once."""
    generate = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = completed(generate())
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the spec's schemas, and without FastAPI's own form of 422, which is never sent."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in RAW_BODIES:
        schema = model.model_json_schema(ref_template=REFERENCE)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    for name in ("JobView", "DryRun"):
        schemas[name]["properties"]["spec"] = {"$ref": REFERENCE.format(model="JobSpec")}
    for schema in schemas.values():
        _drop_object_defaults(schema)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["summary"] = _first_sentence(operation["description"])
            _without_default_422(operation["responses"])
            for response in operation["responses"].values():
                _problem_as_problem(response.get("content", {}))
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return document


def _first_sentence(description: str) -> str:
    paragraph, _, _ = description.partition("\n\n")
    return " ".join(paragraph.split())


def _drop_object_defaults(schema: dict[str, Any]) -> None:
    """Leave out defaults that are objects: generators of clients refuse them, and with them whole models."""
    for field in schema.get("properties", {}).values():
        if isinstance(field.get("default"), dict):
            del field["default"]


def _without_default_422(responses: dict[str, Any]) -> None:
    schema = responses.get("422", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if schema.get("$ref", "").endswith("/HTTPValidationError"):
        del responses["422"]


def _problem_as_problem(content: dict[str, Any]) -> None:
    """Move a problem's schema, which FastAPI documents in the media type of the route's answers, to its own."""
    for media_type in list(content) if MEDIA_TYPE in content else ():
        if media_type != MEDIA_TYPE:
            content[MEDIA_TYPE] |= content.pop(media_type)
