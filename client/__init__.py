"""The HTTP client and the command line."""

from client.client import AsyncClient, Client
from client.errors import ApiError, DualtrainError, Unreachable
from client.events import Event
from client.job import AsyncJobHandle, JobHandle
from client.predictions import Prediction

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncJobHandle",
    "Client",
    "DualtrainError",
    "Event",
    "JobHandle",
    "Prediction",
    "Unreachable",
]
