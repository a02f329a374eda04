"""Answers of trained networks: which model is meant, what was sent, what comes back."""

from api.predictions.bodies import Sent, read
from api.predictions.model import Model
from api.predictions.models import Models

__all__ = ["Model", "Models", "Sent", "read"]
