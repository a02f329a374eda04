import re
from datetime import UTC, datetime

import pytest

from dualtrain.core.runtime.times import later, now, seconds_between


def test_now_is_in_utc_with_milliseconds() -> None:
    told = now()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(told)).total_seconds()) < 60


def test_later_is_to_the_second() -> None:
    told = later(3600)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told)
    assert 3595 < seconds_between(now(), told) <= 3600


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2026-11-28T23:59:59.500Z", "2026-11-29T00:00:01Z", 1.5),
        ("2026-11-29T00:00:01Z", "2026-11-28T23:59:59.500Z", -1.5),
        ("2026-11-28T12:00:00+00:00", "2026-11-28T12:00:00Z", 0.0),
    ],
)
def test_seconds_between(start: str, end: str, seconds: float) -> None:
    assert seconds_between(start, end) == seconds
