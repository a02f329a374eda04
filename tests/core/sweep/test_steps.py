"""The next actions of a sweep: queueing, pausing, halving and its end."""

from dualtrain.core.job import Status
from dualtrain.core.sweep.spec import Halving, SweepSpec, jobs
from dualtrain.core.sweep.steps import (
    Actions,
    JobState,
    Rung,
    SweepStatus,
    kept_cells,
    metric_at,
    next_actions,
)

SPEC = SweepSpec.model_validate({"grid": {"batch_size": [16, 32, 64]}, "seeds": 2})
JOBS = list(jobs("sweep-0123456789ab", SPEC))
HALVING = Halving(keep=0.34, at_steps=(100, 300))


def decide(
    states: dict[int, JobState],
    status: SweepStatus = SweepStatus.RUNNING,
    rungs: tuple[Rung, ...] = (),
    halving: Halving | None = None,
    max_parallel: int | None = None,
    deleted: tuple[int, ...] = (),
) -> Actions:
    known = {JOBS[index].id: state for index, state in states.items()}
    created = frozenset(known) | {JOBS[index].id for index in deleted}
    return next_actions(status, JOBS, known, created, rungs, halving, max_parallel)


def running(step: int = 0) -> JobState:
    return JobState(Status.RUNNING, step)


DONE = JobState(Status.SUCCEEDED, 500)


def test_all_jobs_are_created_when_nothing_limits_them() -> None:
    assert decide({}).create == tuple(JOBS)


def test_no_more_jobs_are_created_than_may_be_active() -> None:
    assert decide({}, max_parallel=2).create == tuple(JOBS[:2])
    assert decide({0: running(), 1: DONE}, max_parallel=2).create == (JOBS[2],)
    assert decide({0: running(), 1: running()}, max_parallel=2).create == ()


def test_a_deleted_job_is_not_created_again() -> None:
    actions = decide({index: DONE for index in range(1, 6)}, deleted=(0,))
    assert (actions.create, actions.end) == ((), SweepStatus.SUCCEEDED)


def test_a_sweep_ends_when_all_its_jobs_have() -> None:
    states = dict.fromkeys(range(6), DONE)
    assert decide(states).end is SweepStatus.SUCCEEDED
    assert decide({**states, 3: JobState(Status.FAILED, 7)}).end is SweepStatus.FAILED
    assert decide({**states, 3: running()}).end is None


def test_a_paused_sweep_pauses_jobs_as_soon_as_they_run() -> None:
    actions = decide({0: running(), 1: JobState(Status.QUEUED), 2: DONE}, status=SweepStatus.PAUSED)
    assert actions == Actions(pause={JOBS[0].id: "sweep_paused"})


def test_a_resumed_sweep_resumes_the_jobs_that_it_paused_and_no_others() -> None:
    states = {0: JobState(Status.PAUSED, 5, "sweep_paused"), 1: JobState(Status.PAUSED, 5, "paused_by_user")}
    assert decide(states).resume == (JOBS[0].id,)


def test_a_cancelled_sweep_cancels_what_has_not_ended() -> None:
    actions = decide({0: running(), 1: JobState(Status.QUEUED), 2: DONE}, status=SweepStatus.CANCELLED)
    assert actions == Actions(cancel={JOBS[0].id: "sweep_cancelled", JOBS[1].id: "sweep_cancelled"})


def test_a_job_at_a_rung_waits_and_leaves_its_place_to_others() -> None:
    actions = decide({0: running(120), 1: running(20)}, halving=HALVING, max_parallel=2)
    assert actions.pause == {JOBS[0].id: "waiting_for_rung"}
    assert actions.create == (JOBS[2],)


def test_cells_are_compared_once_all_have_reached_the_step() -> None:
    states = {index: running(100 + index) for index in range(5)}
    assert decide({**states, 5: running(99)}, halving=HALVING).rung is None
    assert decide({**states, 5: running(100)}, halving=HALVING).rung == 100
    assert decide({**states, 5: JobState(Status.FAILED, 3)}, halving=HALVING).rung == 100


def test_after_a_comparison_the_rest_is_cancelled_and_the_best_go_on() -> None:
    states = {index: JobState(Status.PAUSED, 110, "waiting_for_rung") for index in range(6)}
    actions = decide(states, rungs=(Rung(100, (1,)),), halving=HALVING)
    kept = {job.id for job in JOBS if job.cell.index == 1}
    assert set(actions.resume) == kept
    assert actions.cancel == {job.id: "halved" for job in JOBS if job.id not in kept}


def test_a_halved_sweep_ends_by_the_cells_that_went_on() -> None:
    states = {i: DONE if job.cell.index == 1 else JobState(Status.CANCELLED, 110) for i, job in enumerate(JOBS)}
    rungs = (Rung(100, (0, 1)), Rung(300, (1,)))
    assert decide(states, rungs=rungs, halving=HALVING).end is SweepStatus.SUCCEEDED


def test_the_best_cells_are_kept_by_the_mean_over_seeds() -> None:
    metrics = {0: [0.9, 0.1], 1: [0.6, 0.6], 2: [None, 0.55], 3: [None, None]}
    assert kept_cells(Halving(keep=0.5, at_steps=(1,)), range(4), metrics) == (1, 2)
    assert kept_cells(Halving(keep=0.01, at_steps=(1,)), range(4), metrics) == (1,)
    assert kept_cells(Halving(metric="loss", keep=0.25, at_steps=(1,)), range(4), metrics) == (0,)


def test_a_metric_is_read_at_the_step_however_far_the_job_went() -> None:
    history = [{"step": 50, "test_accuracy": 0.5}, {"step": 90, "loss": 1.0}, {"step": 110, "test_accuracy": 0.9}]
    assert metric_at(history, "test_accuracy", 100) == 0.5
    assert metric_at(history, "test_accuracy", 10) is None
