"""Headers: which tags name what the caller has."""

import pytest

from dualtrain.api.http.headers import matches


@pytest.mark.parametrize("header", ['"a"', 'W/"a"', '"b", W/"a"', "*", ' "a" '])
def test_a_tag_is_found_weak_or_strong_among_others(header: str) -> None:
    assert matches(header, '"a"')
    assert matches(header, 'W/"a"')


@pytest.mark.parametrize("header", [None, "", '"ab"', '"b", "c"', "a"])
def test_another_tag_is_not(header: str | None) -> None:
    assert not matches(header, '"a"')
