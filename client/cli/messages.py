"""Messages of the service in the terms of the command line."""

from dualtrain.client.errors import ApiError

_TERMS = {
    "GET /v1/jobs and /v1/aliases list": "`dualtrain jobs` and `dualtrain alias` list",
    "GET /v1/jobs lists": "`dualtrain jobs` lists",
    "GET /v1/aliases lists": "`dualtrain alias` lists",
    "GET /v1/datasets lists": "`dualtrain datasets` lists",
    "train one: POST /v1/jobs": "train one: `dualtrain train`",
    "name another with `model`": "name another with --model",
    "send `Authorization: Bearer KEY`": "the service requires an API key: use --api-key or DUALTRAIN_API_KEY",
}
"""Phrases of the HTTP interface, and what a user of the command line types instead."""


def for_command_line(error: ApiError) -> str:
    """Return the message of an error, with commands and options in place of HTTP calls."""
    text = str(error)
    for phrase, replacement in _TERMS.items():
        text = text.replace(phrase, replacement)
    return text
