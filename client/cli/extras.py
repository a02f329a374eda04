"""Packages that only some commands need."""

from importlib.util import find_spec

MARKER = "celery"
"""A package of the service that the base installation does not have."""


def require(extra: str) -> None:
    """Raise RuntimeError that says what to install, unless the service's packages are installed."""
    if find_spec(MARKER) is None:
        raise RuntimeError(f"this command runs the service itself: pip install 'dualtrain[{extra}]'")
