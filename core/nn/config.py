"""How pydantic checks the dataclasses that a job spec is made of, read from JSON or made in Python."""

from pydantic import ConfigDict

CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False)
