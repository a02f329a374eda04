"""Answers of trained networks: which model is meant, what was sent, what comes back."""

from dualtrain.api.predictions.bodies import Sent, read
from dualtrain.api.predictions.model import Model
from dualtrain.api.predictions.models import Models

__all__ = ["Model", "Models", "Sent", "read"]
