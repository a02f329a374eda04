"""Commands about jobs."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from dualtrain.client import Client, JobHandle

QUICK = ("--set", "max_steps=20", "--set", "gradient.method=per-neuron")
LONG = ("--set", "epochs=50", "--set", "gradient.method=per-neuron")


def test_train_follows_a_job(dualtrain: Any) -> None:
    code, out, err = dualtrain("train", *QUICK)
    assert code == 0
    assert "step 20/20" in err
    assert "succeeded" in out


def test_train_reads_a_file_and_prints_json(dualtrain: Any, tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"name": "from a file", "max_steps": 2}))
    code, out, err = dualtrain("train", str(spec), "--json")
    assert (code, err) == (0, "")
    job = json.loads(out)
    assert (job["name"], job["status"], job["progress"]["step"]) == ("from a file", "succeeded", 2)


def test_a_dry_run_queues_nothing(dualtrain: Any, client: Client) -> None:
    before = next(client.jobs(limit=1), None)
    code, out, _ = dualtrain("train", "--dry-run")
    assert code == 0
    assert "2,917,180" in out
    assert len(out.splitlines()) < 10
    assert json.loads(dualtrain("train", "--dry-run", "--json")[1])["passes"] == 2_917_180
    after = next(client.jobs(limit=1), None)
    assert (before and before.id) == (after and after.id)


def test_a_job_from_its_submission_to_its_cancellation(dualtrain: Any) -> None:
    job_id = dualtrain("train", "--detach", *LONG)[1].strip()
    with_json = json.loads(dualtrain("show", job_id, "--json")[1])
    assert with_json["id"] == job_id
    while json.loads(dualtrain("show", job_id, "--json")[1])["status"] == "queued":
        pass
    assert dualtrain("pause", job_id)[:2] == (0, f"{job_id} paused\n")
    assert dualtrain("resume", job_id)[:2] == (0, f"{job_id} running\n")
    assert json.loads(dualtrain("cancel", job_id, "--json")[1])["status"] == "cancelled"
    assert dualtrain("watch", job_id)[0] == 1
    assert job_id in dualtrain("jobs", "--status", "cancelled")[1]


def test_jobs_and_show(dualtrain: Any, trained: JobHandle) -> None:
    code, out, _ = dualtrain("jobs", "--limit", "100")
    assert code == 0
    assert trained.id in out
    assert trained.id in {job["id"] for job in json.loads(dualtrain("jobs", "--json", "--limit", "100")[1])}
    shown = dualtrain("show", trained.id)[1]
    assert "200 of 200" in shown
    assert "█" in shown


def test_names_that_look_like_markup_are_shown_as_they_are(dualtrain: Any) -> None:
    name = "[/x]"  # so short that no column is folded
    job_id = dualtrain("train", "--detach", *QUICK, "--set", f"name={name}")[1].strip()
    assert name in dualtrain("jobs", "--limit", "1")[1]
    assert name in dualtrain("show", job_id)[1]


def test_detach_with_json(dualtrain: Any) -> None:
    assert json.loads(dualtrain("train", "--detach", "--json", *QUICK)[1])["id"].startswith("job-")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("show", "job-of-nobody"), 3, "`dualtrain jobs` lists yours"),
        (("train", "--set", "batch_size=0"), 3, "/batch_size"),
        (("train", "--set", "batch_size"), 2, "write KEY=VALUE"),
        (("train", "--set", "seed.x=1"), 2, "leads to no field"),
        (("train", "no-such-file.json"), 2, "no-such-file.json"),
        (("train", "."), 2, "directory"),
        (("train", __file__), 2, "holds no JSON"),
        (("jobs", "--url", "http://127.0.0.1:9"), 4, "dualtrain up"),
        (("jobs", "--status", "asleep"), 2, "asleep"),
        (("fly",), 2, "fly"),
        (("train", "--local", "--dry-run"), 2, "--local trains in this process"),
        (("train", "--local", "--detach"), 2, "--local trains in this process"),
    ],
)
def test_exit_codes_mean_something(
    dualtrain: Any, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, told: str
) -> None:
    monkeypatch.setattr("dualtrain.client.cli.output.PATIENCE_SECONDS", 0.2)
    found, _, err = dualtrain(*arguments)
    assert (found, told in err) == (code, True), err


def test_the_version_is_that_of_the_package(dualtrain: Any) -> None:
    assert dualtrain("--version") == (0, f"dualtrain {version('dualtrain')}\n", "")


def test_local_training_needs_no_service(data_dir: Path, tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text('{"max_steps": 3}')
    command = [sys.executable, "-m", "dualtrain.client", "train", str(spec), "--local", "--set", "evaluate_every=2"]
    environment = {"DUALTRAIN_DATA_DIR": str(data_dir), "DUALTRAIN_URL": "http://127.0.0.1:9"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert json.loads(done.stdout.splitlines()[-1])["step"] == 3


def test_show_tells_the_spec_and_the_duration(dualtrain: Any, trained: JobHandle) -> None:
    out = dualtrain("show", trained.id)[1]
    for part in ("mnist, 12x12", "20 relu, 10 softmax", "per-neuron", "sgd", "seed", " s\n"):
        assert part in out


def test_history_and_delete(dualtrain: Any) -> None:
    job_id = dualtrain("train", "--json", *QUICK)[1]
    job_id = json.loads(job_id)["id"]
    assert json.loads(dualtrain("history", job_id, "--json")[1])[-1]["step"] == 20
    assert dualtrain("history", job_id)[1].splitlines()[-1].split()[0] == "20"
    assert dualtrain("delete", job_id) == (0, f"{job_id} deleted\n", "")
    assert dualtrain("show", job_id)[0] == 3


def test_jobs_by_metadata(dualtrain: Any) -> None:
    dualtrain("train", "--detach", *QUICK, "--set", 'metadata={"series": "cli"}')
    assert len(json.loads(dualtrain("jobs", "--metadata", "series=cli", "--json")[1])) == 1
    code, out, err = dualtrain("jobs", "--metadata", "series=none")
    assert (code, out) == (0, "")
    assert "dualtrain train" in err


def test_fields_lists_what_set_takes(dualtrain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dualtrain.client.cli.output.out._width", 120)
    listed = {field["path"]: field for field in json.loads(dualtrain("fields", "--json")[1])}
    assert listed["optimizer.learning_rate"]["kinds"] == []
    table = dualtrain("fields")[1]
    assert ["batch_size", "64"] in [line.split() for line in table.splitlines()]
    assert "gradient.method=forward-gradient or spsa" in table


def test_a_table_fits_a_narrow_terminal(dualtrain: Any, trained: JobHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dualtrain.client.cli.output.out._width", 50)
    lines = dualtrain("jobs", "--limit", "3")[1].splitlines()
    assert len(lines) <= 4
    assert max(map(len, map(str.rstrip, lines))) <= 50
