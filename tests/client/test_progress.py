"""The figures beside the bar."""

import io

import pytest
from rich.console import Console

from dualtrain.client.events import Event
from dualtrain.client.progress import Figures, bar
from dualtrain.core.job import Job, Status
from dualtrain.core.runtime.times import now

JOB = Job(id="job-1", name="", status=Status.QUEUED, created_at=now(), spec={})
WAITING = {"status": "running", "reason": {"code": "waiting_for_workers", "message": "none"}}
STEP = {"step": 5, "total_steps": 10, "loss": 0.5, "passes": 1234}


def test_figures_are_gathered_and_a_reason_stands_for_running() -> None:
    figures = Figures()
    assert (figures.status, figures.text) == ("", "")
    figures.take(Event("1-0", "status", WAITING))
    assert figures.status == "waiting for workers"
    figures.take(Event("2-0", "status", {"status": "running", "reason": None}))
    figures.take(Event("3-0", "step", STEP))
    figures.take(Event("4-0", "step", {**STEP, "loss": None, "passes": 2000}))
    assert (figures.status, figures.text) == ("running", "loss 0.5000  2,000 passes")


def test_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(
        "dualtrain.client.progress.Console", lambda **_: Console(file=screen, force_terminal=True, width=100)
    )
    with bar(JOB) as show:
        show(Event("1-0", "status", {"status": "running"}))
        show(Event("2-0", "step", STEP))
        show(Event("3-0", "evaluation", {"step": 5, "test_accuracy": 0.875}))
    shown = screen.getvalue()
    for part in ("running", " 50%", "loss 0.5000", "test 87.50%", "1,234 passes"):
        assert part in shown


def test_nothing_is_shown_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    with bar(JOB, visible=False) as show:
        show(Event("3-0", "evaluation", {"step": 5, "test_accuracy": 0.875}))
    assert capsys.readouterr() == ("", "")


def test_where_no_terminal_is_a_status_is_a_line_and_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    preparing = {"status": "running", "reason": {"code": "preparing_data", "message": "1 of 2 images"}}
    with bar(JOB) as show:
        for event in (
            Event("1-0", "status", {"status": "queued"}),
            Event("2-0", "status", preparing),
            Event("3-0", "status", {**preparing, "reason": {"code": "preparing_data", "message": "2 of 2 images"}}),
            Event("4-0", "step", STEP),
            Event("5-0", "evaluation", {"step": 7, "passes": 1730, "test_accuracy": 0.875}),
        ):
            show(event)
    assert capsys.readouterr().err.splitlines() == [
        "queued",
        "preparing data",
        "step 7/10  loss 0.5000  test 87.50%  1,730 passes",
    ]


@pytest.mark.parametrize("width", [44, 64, 100])
def test_status_percentage_and_the_service_s_time_left_are_never_cut(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(
        "dualtrain.client.progress.Console", lambda **_: Console(file=screen, force_terminal=True, width=width)
    )
    with bar(JOB) as show:
        show(Event("1-0", "status", {"status": "running"}))
        show(Event("2-0", "step", {**STEP, "test_accuracy": 0.9, "eta_seconds": 4000.0}))
    for part in ("running", " 50%", "1 h 06 min left"):
        assert part in screen.getvalue()
