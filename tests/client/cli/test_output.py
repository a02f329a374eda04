"""What is printed for people."""

import pytest

from client.cli.output import fail


@pytest.mark.parametrize("text", ["path [/x] bad", "path \\[/x] bad", "[red]told[/red]"])
def test_an_error_is_shown_as_it_is(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with pytest.raises(SystemExit) as end:
        fail(text, 3)
    assert end.value.code == 3
    assert capsys.readouterr().err == f"error: {text}\n"
