"""The HTTP client and the command line."""

from dualtrain.client.client import AsyncClient, Client
from dualtrain.client.errors import ApiError, DualtrainError, Unreachable
from dualtrain.client.events import Event
from dualtrain.client.job import AsyncJobHandle, JobHandle
from dualtrain.client.predictions import Prediction
from dualtrain.client.sweep import AsyncSweepHandle, SweepHandle

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncJobHandle",
    "AsyncSweepHandle",
    "Client",
    "DualtrainError",
    "Event",
    "JobHandle",
    "Prediction",
    "SweepHandle",
    "Unreachable",
]
