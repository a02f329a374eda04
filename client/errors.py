"""Errors of the client.

DualtrainError
├── Unreachable    no answer within the timeout; whether the server did what was asked is unknown
└── ApiError       the server answered with a problem; `code` is stable and for programs
"""

from typing import Any

import httpx2

SHOWN = 500
"""Characters of an answer without a problem that are shown."""


class DualtrainError(Exception):
    """Anything that this package raises of its own."""


class Unreachable(DualtrainError):
    """There was no answer."""


class ApiError(DualtrainError):
    """An RFC 9457 problem. `faults` says for each wrong value where it stands, and what is wrong with it."""

    def __init__(
        self, status: int, code: str, detail: str, faults: list[dict[str, Any]], request_id: str | None
    ) -> None:
        self.status, self.code, self.detail, self.faults, self.request_id = status, code, detail, faults, request_id
        if len(faults) == 1:  # the detail says it already
            super().__init__(f"{detail}{_hint(faults[0])} [{code}]")
        else:
            places = (f"{fault.get('pointer', '')}: {fault.get('message', '')}{_hint(fault)}" for fault in faults)
            super().__init__("\n  ".join((f"{detail} [{code}]", *places)))

    @classmethod
    def of(cls, response: httpx2.Response) -> "ApiError":
        """Return the problem in an answer; for one that holds none (a proxy's), one of what it says."""
        try:
            problem = response.json()
            code, detail = problem["code"], problem["detail"]
        except (ValueError, KeyError, TypeError):
            text = f": {response.text[:SHOWN]}" if "json" in response.headers.get("Content-Type", "") else ""
            return cls(response.status_code, "unknown", f"{response.url}: {response.reason_phrase}{text}", [], None)
        return cls(response.status_code, code, detail, problem.get("errors") or [], problem.get("request_id"))


def _hint(fault: dict[str, Any]) -> str:
    return f" (did you mean {fault['suggestion']!r}?)" if fault.get("suggestion") else ""
