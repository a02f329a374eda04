"""The HTTP client and the command line."""

from client.client import Client
from client.errors import ApiError, DualtrainError, Unreachable
from client.events import Event
from client.job import JobHandle
from client.predictions import Prediction

__all__ = ["ApiError", "Client", "DualtrainError", "Event", "JobHandle", "Prediction", "Unreachable"]
