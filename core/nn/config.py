"""How pydantic reads the dataclasses that a job spec is made of."""

from pydantic import ConfigDict

CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False)
