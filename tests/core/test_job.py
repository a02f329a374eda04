"""The legal changes of status, written out a second time: seen from the status that a job leaves."""

from dualtrain.core.job import ENDED, SOURCES, Status

NEXT = {
    Status.QUEUED: {Status.RUNNING, Status.FAILED, Status.CANCELLED},
    Status.RUNNING: {Status.PAUSED, Status.SUCCEEDED, Status.FAILED, Status.CANCELLED},
    Status.PAUSED: {Status.RUNNING, Status.CANCELLED},
    Status.SUCCEEDED: set[Status](),
    Status.FAILED: set[Status](),
    Status.CANCELLED: set[Status](),
}


def test_the_table_of_transitions_is_this_one() -> None:
    assert {before: {after for after in Status if before in SOURCES[after]} for before in Status} == NEXT


def test_a_status_is_an_end_when_nothing_follows_it() -> None:
    assert {before for before, after in NEXT.items() if not after} == ENDED
