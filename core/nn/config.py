"""How pydantic checks the dataclasses that a job spec is made of, read from JSON or made in Python."""

from typing import Any

from pydantic import BeforeValidator, ConfigDict

CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False)


def by_default(tag: str, value: str) -> BeforeValidator:
    """Let an object that may be of several kinds be of `value` where its field `tag` does not say which."""

    def named(written: Any) -> Any:
        return {tag: value, **written} if isinstance(written, dict) and tag not in written else written

    return BeforeValidator(named)
