"""Listing and showing jobs: pages, filters, validators, waiting."""

import threading
import time
from collections.abc import Callable

import httpx2
import pytest

from dualtrain.core.job import ENDED, Job, JobProgress, Status, new_id
from dualtrain.core.runtime.times import now
from dualtrain.core.store import ALWAYS, JobEvent, Jobs, Lease, Leases

Submit = Callable[..., str]


def pages(client: httpx2.Client, query: str) -> list[list[str]]:
    """Return the ids of all pages."""
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/jobs?{query}{cursor and f'&after={cursor}'}").json()
        found.append([job["id"] for job in page["data"]])
        cursor = page["next"]
        assert page["has_more"] == (cursor is not None)
    return found


def test_pages_go_on_where_they_ended(client: httpx2.Client, submit: Submit) -> None:
    ids = [submit() for _ in range(7)]
    assert pages(client, "limit=2") == [ids[:4:-1], ids[4:2:-1], ids[2:0:-1], ids[:1]]
    assert pages(client, "limit=7") == [ids[::-1]]


@pytest.fixture
def of_team(jobs: Jobs) -> Callable[..., list[str]]:
    """Return a function that queues jobs, each tagged with a team, and returns their ids."""

    def of_team(*teams: str) -> list[str]:
        tagged = [(new_id(), {"metadata": {"team": team}}) for team in teams]
        for job_id, spec in tagged:
            jobs.create(Job(id=job_id, name="", status=Status.QUEUED, created_at=now(), spec=spec), 5, 1000)
        return [job_id for job_id, _ in tagged]

    return of_team


@pytest.mark.parametrize("reds", [[0], [30], [59], [0, 30], [0, 30, 59], [29, 30, 31]], ids=str)
def test_what_fits_is_found_wherever_it_is_and_nothing_more_is_promised(
    client: httpx2.Client, of_team: Callable[..., list[str]], reds: list[int]
) -> None:
    ids = of_team(*("red" if index in reds else "blue" for index in range(60)))
    assert pages(client, "limit=1&metadata[team]=red") == [[ids[index]] for index in reversed(reds)]
    assert pages(client, "metadata[team]=red") == [[ids[index] for index in reversed(reds)]]
    assert pages(client, "metadata[team]=green") == [[]]


def test_a_page_that_is_too_long_is_cut(client: httpx2.Client, jobs: Jobs) -> None:
    for _ in range(102):
        spec = {"metadata": {}}
        jobs.create(Job(id=new_id(), name="", status=Status.QUEUED, created_at=now(), spec=spec), 5, 1000)
    page = client.get("/v1/jobs?limit=100000000000000000000").json()
    assert (len(page["data"]), page["has_more"]) == (100, True)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=x",
        "after=%21",
        "after=AAAA",
        "status=sleeping",
        "sort=color",
        "min_accuracy=2",
        "created_after=soon",
        "created_before=0.5",
    ],
)
def test_bad_parameters_are_pointed_at(client: httpx2.Client, query: str) -> None:
    answer = client.get(f"/v1/jobs?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"][0]["pointer"].removesuffix("/0") == f"#/query/{query.partition('=')[0]}"


def test_filters_by_status_and_metadata(client: httpx2.Client, submit: Submit, jobs: Jobs) -> None:
    red, blue = submit(metadata={"team": "red"}), submit(metadata={"team": "blue", "run": "1"})
    jobs.move(blue, Status.RUNNING)

    def ids(query: str) -> list[str]:
        return [job["id"] for job in client.get(f"/v1/jobs?{query}").json()["data"]]

    assert ids("status=running") == [blue]
    assert ids("metadata[team]=red") == [red]
    assert ids("metadata[team]=blue&metadata[run]=1") == [blue]
    assert ids("metadata[team]=red&status=running") == []


def test_an_unknown_job_is_404(client: httpx2.Client) -> None:
    for job_id in ("job-0", "%00", "..%2f", "x" * 100, "%F0%9F%90%8E"):
        answer = client.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 404, job_id
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("part", ["transitions", "events", "nothing"])
def test_what_is_kept_of_a_job_is_no_job(client: httpx2.Client, submit: Submit, part: str) -> None:
    job_id = f"{submit()}:{part}"
    for address in (f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/history", f"/v2/models/{job_id}"):
        assert client.get(address).status_code == 404
    assert client.post("/v1/jobs", json={"initial_weights": job_id}).status_code == 422


def test_the_etag_changes_with_the_job_only(client: httpx2.Client, submit: Submit, jobs: Jobs) -> None:
    first, second = submit(), submit()
    etag = client.get(f"/v1/jobs/{second}").headers["etag"]
    assert etag.startswith('W/"')
    jobs.move(first, Status.CANCELLED)  # the queue position is not part of it
    unchanged = client.get(f"/v1/jobs/{second}", headers={"If-None-Match": f'"other", {etag}'})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    jobs.move(second, Status.RUNNING)
    changed = client.get(f"/v1/jobs/{second}", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


def test_prefer_wait_holds_until_the_status_changes(client: httpx2.Client, submit: Submit, jobs: Jobs) -> None:
    job_id = submit()
    timer = threading.Timer(0.4, jobs.move, (job_id, Status.RUNNING))
    timer.start()
    started = time.perf_counter()
    answer = client.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=20"})
    assert 0.3 < time.perf_counter() - started < 18
    assert answer.json()["status"] == "running"
    assert answer.headers["preference-applied"] == "wait=20"
    timer.join()


def test_prefer_wait_goes_on_over_another_reason_for_the_same_status(
    client: httpx2.Client, jobs: Jobs, running: Lease
) -> None:
    job_id = running.job_id
    timers = [
        threading.Timer(
            0.2, jobs.commit, (running, [JobEvent("status", ALWAYS, {"status": "running", "reason": None})])
        ),
        threading.Timer(0.7, jobs.move, (job_id, Status.PAUSED)),
    ]
    started = time.perf_counter()
    for timer in timers:
        timer.start()
    answer = client.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=20"})
    assert 0.6 < time.perf_counter() - started < 18
    assert answer.json()["status"] == "paused"


def test_prefer_wait_ends_at_an_evaluation_but_not_at_a_step(client: httpx2.Client, jobs: Jobs, running: Lease) -> None:
    job_id = running.job_id
    timers = [
        threading.Timer(0.2, jobs.commit, (running, [JobEvent("step", 1, {"step": 1})])),
        threading.Timer(0.7, jobs.commit, (running, [JobEvent("evaluation", 2, {"step": 2})])),
    ]
    started = time.perf_counter()
    for timer in timers:
        timer.start()
    client.get(f"/v1/jobs/{job_id}", headers={"Prefer": "respond-async, wait=20"})
    assert 0.6 < time.perf_counter() - started < 18


def test_prefer_wait_gives_up_in_time_and_does_not_wait_for_an_ended_job(
    client: httpx2.Client, submit: Submit, jobs: Jobs
) -> None:
    job_id = submit()
    started = time.perf_counter()
    answer = client.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=1"})
    assert answer.status_code == 200
    assert 0.9 < time.perf_counter() - started < 20
    jobs.move(job_id, Status.CANCELLED)
    started = time.perf_counter()
    client.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=60"}, timeout=60)
    assert time.perf_counter() - started < 30


def test_a_stale_validator_is_answered_at_once(client: httpx2.Client, submit: Submit) -> None:
    job_id = submit()
    started = time.perf_counter()
    answer = client.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=30", "If-None-Match": '"older"'})
    assert answer.status_code == 200
    assert time.perf_counter() - started < 25


def test_start_and_finish_of_waiting_jobs_are_estimated(client: httpx2.Client, submit: Submit) -> None:
    ids = [submit() for _ in range(12)]
    shown = [client.get(f"/v1/jobs/{job_id}").json() for job_id in ids]
    starts = [job["estimated_start_at"] for job in shown]
    assert starts == sorted(starts)
    assert starts[0] < starts[-1]
    assert all(job["estimated_finish_at"] > job["estimated_start_at"] for job in shown)


@pytest.mark.parametrize("status", Status)
def test_an_ended_job_has_no_time_left(
    client: httpx2.Client, submit: Submit, jobs: Jobs, leases: Leases, bring: Callable[[str, Status], None],
    status: Status,
) -> None:  # fmt: skip
    job_id = submit()
    lease = leases.acquire(job_id)
    assert lease is not None
    jobs.commit(lease, progress=JobProgress(step=5, eta_seconds=12.5).model_dump())
    bring(job_id, status)
    (listed,) = client.get("/v1/jobs").json()["data"]
    for job in (client.get(f"/v1/jobs/{job_id}").json(), listed):
        assert job["progress"]["step"] == 5
        assert job["progress"]["eta_seconds"] == (None if status in ENDED else 12.5)
        assert (job["estimated_finish_at"] is None) == (status in ENDED | {Status.PAUSED})


def test_the_total_counts_all_pages(client: httpx2.Client, submit: Submit, jobs: Jobs) -> None:
    ids = [submit() for _ in range(3)]
    jobs.move(ids[0], Status.CANCELLED)
    totals = [client.get(f"/v1/jobs?limit=1{query}").json()["total"] for query in ("", "&status=queued")]
    assert totals == [3, 2]
    assert client.get("/v1/jobs?metadata[a]=b").json()["total"] == 0


@pytest.fixture
def finished(jobs: Jobs, leases: Leases) -> Callable[..., str]:
    """Return a function that makes a job that has succeeded with an accuracy, and returns its id."""

    def finished(name: str, accuracy: float | None, method: str = "per-parameter", dataset: str = "mnist") -> str:
        job_id = new_id()
        spec = {"metadata": {}, "gradient": {"method": method}, "dataset": {"name": dataset}}
        jobs.create(Job(id=job_id, name=name, status=Status.QUEUED, created_at=now(), spec=spec), 5, 1000)
        jobs.move(job_id, Status.RUNNING)
        lease = leases.acquire(job_id)
        assert lease
        jobs.commit(lease, metrics={"test_accuracy": accuracy})
        jobs.move(job_id, Status.SUCCEEDED)
        return job_id

    return finished


def listed(client: httpx2.Client, query: str) -> list[str]:
    return [job["id"] for job in client.get(f"/v1/jobs?{query}").raise_for_status().json()["data"]]


def test_filters_by_what_a_job_is(client: httpx2.Client, finished: Callable[..., str], submit: Submit) -> None:
    blue = finished("The Blue one", 0.5, "spsa", "shapes")
    red = finished("red", 0.9)
    waiting = submit(name="blue too")
    assert listed(client, "name=BLUE") == [waiting, blue]
    assert listed(client, "method=spsa") == [blue]
    assert listed(client, "q=SPSA") == listed(client, "q=shapes") == listed(client, f"q={blue}") == [blue]
    assert listed(client, "dataset=shapes&status=succeeded") == [blue]
    assert listed(client, "min_accuracy=0.6") == [red]
    assert listed(client, "min_accuracy=0") == [red, blue]
    assert listed(client, "status=queued&status=succeeded") == [waiting, red, blue]
    assert listed(client, "status=queued&name=red") == []


def test_filters_by_the_time_of_creation(client: httpx2.Client, submit: Submit) -> None:
    first = submit()
    time.sleep(0.01)
    second = submit()
    at = client.get(f"/v1/jobs/{second}").json()["created_at"]
    assert listed(client, f"created_before={at}") == [first]
    assert listed(client, f"created_after={at.replace('Z', '%2B01:00')}") == [second, first]
    assert listed(client, f"created_after={at}") == []
    assert listed(client, "created_after=2000-01-01") == [second, first]


def test_sorts_with_missing_values_last_and_equal_ones_newest_first(
    client: httpx2.Client, finished: Callable[..., str]
) -> None:
    low, none, high, low_too = (finished("job", accuracy) for accuracy in (0.2, None, 0.9, 0.2))
    assert listed(client, "sort=test_accuracy") == [low_too, low, high, none]
    assert listed(client, "sort=-test_accuracy") == [high, low_too, low, none]
    assert listed(client, "sort=created_at") == [low, none, high, low_too]


@pytest.mark.parametrize("sort", ["test_accuracy", "-test_accuracy", "created_at", "-finished_at", "-status", "name"])
def test_pages_of_every_order_hold_each_job_once_while_others_come_and_go(
    client: httpx2.Client, finished: Callable[..., str], jobs: Jobs, sort: str
) -> None:
    ids = [finished(f"job {index % 3}", None if index == 3 else index % 4 / 10) for index in range(9)]
    gone = finished("gone", 0.15)
    expected = [job_id for job_id in listed(client, f"sort={sort}") if job_id != gone]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(f"/v1/jobs?limit=2&sort={sort}" + (f"&after={cursor}" if cursor else "")).json()
        seen += [job["id"] for job in page["data"]]
        cursor = page["next"]
        if cursor and gone:
            finished("new", 0.25)
            jobs.delete(gone)
            gone = ""
    assert [job_id for job_id in seen if job_id in ids] == expected


def test_a_cursor_of_another_order_is_refused(client: httpx2.Client, submit: Submit) -> None:
    for _ in range(2):
        submit(name="x")
    cursor = client.get("/v1/jobs?limit=1").json()["next"]
    answer = client.get(f"/v1/jobs?limit=1&sort=name&after={cursor}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_cursor")


def test_the_list_shows_changes_at_once(client: httpx2.Client, submit: Submit, jobs: Jobs, leases: Leases) -> None:
    job_id = submit(name="it")
    assert listed(client, "status=queued") == [job_id]
    jobs.move(job_id, Status.RUNNING)
    assert listed(client, "status=queued") == []
    lease = leases.acquire(job_id)
    assert lease
    jobs.commit(lease, metrics={"test_accuracy": 0.7})
    assert listed(client, "min_accuracy=0.7") == [job_id]
    jobs.move(job_id, Status.CANCELLED)
    jobs.delete(job_id)
    assert client.get("/v1/jobs").json()["total"] == 0


def test_duration_counts_running_time(client: httpx2.Client, submit: Submit, jobs: Jobs) -> None:
    job_id = submit()
    assert client.get(f"/v1/jobs/{job_id}").json()["duration_seconds"] is None
    for status in (Status.RUNNING, Status.PAUSED):
        jobs.move(job_id, status)
        time.sleep(0.1)
    assert 0.09 < client.get(f"/v1/jobs/{job_id}").json()["duration_seconds"] < 0.19
