"""What is printed for people."""

import pytest

from dualtrain.client.cli.output import fail, print_table


@pytest.mark.parametrize("text", ["path [/x] bad", "path \\[/x] bad", "[red]told[/red]"])
def test_an_error_is_shown_as_it_is(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with pytest.raises(SystemExit) as end:
        fail(text, 3)
    assert end.value.code == 3
    assert capsys.readouterr().err == f"error: {text}\n"


def test_names_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id", "name"), [("job-1", "\x1b[31mred\x1b[0m\n[b]é\u202e"), ("job-2", None)])
    head, first, second = (line.rstrip() for line in capsys.readouterr().out.splitlines())
    assert first == "job-1  \ufffd[31mred\ufffd[0m\ufffd[b]é\ufffd"
    assert (head.split(), second) == (["id", "name"], "job-2")
