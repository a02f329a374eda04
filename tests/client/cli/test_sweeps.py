"""Commands about sweeps, and those that change jobs."""

import json
from pathlib import Path
from typing import Any

import pytest

SWEEP = {
    "name": "by command",
    "base": {"max_steps": 10, "gradient": {"method": "per-neuron"}},
    "grid": {"optimizer.learning_rate": [0.3, 0.1]},
    "seeds": 2,
}


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "sweep.json"
    path.write_text(json.dumps(SWEEP))
    return str(path)


def test_a_sweep_from_its_size_to_its_deletion(dualtrain: Any, file: str) -> None:
    code, out, _ = dualtrain("sweep", file, "--dry-run")
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()[:2]] == [["cells", "2"], ["jobs", "4"]]
    code, out, err = dualtrain("sweep", file)
    assert code == 0
    assert "learning_rate=0.3" in out
    assert "%" in out
    sweep_id = out.splitlines()[0].split()[1]
    assert sweep_id in err
    assert sweep_id in dualtrain("sweeps")[1]
    assert "4 succeeded" in dualtrain("sweep-show", sweep_id)[1]
    assert json.loads(dualtrain("sweep-show", sweep_id, "--json")[1])["cells"][0]["n"] == 2
    assert len(json.loads(dualtrain("jobs", "--sweep", sweep_id, "--json")[1])) == 4
    assert dualtrain("delete", sweep_id)[:2] == (0, f"{sweep_id} deleted\n")
    assert dualtrain("sweep-show", sweep_id)[0] == 3


def test_a_sweep_is_paused_and_cancelled_like_a_job(dualtrain: Any, tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    path.write_text(json.dumps({"base": {"epochs": 50, "gradient": {"method": "per-neuron"}}, "seeds": 2}))
    sweep_id = dualtrain("sweep", str(path), "--detach")[1].strip()
    assert dualtrain("pause", sweep_id)[1] == f"{sweep_id} paused\n"
    assert dualtrain("resume", sweep_id)[1] == f"{sweep_id} running\n"
    assert dualtrain("cancel", sweep_id)[1] == f"{sweep_id} cancelled\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "holds no JSON"), ("[]", "no JSON object"), ('{"seed": 3}', "did you mean 'seeds'"),
     ('{"grid": {"learning_rate": [1]}}', "optimizer.learning_rate")],
)  # fmt: skip
def test_a_faulty_sweep_is_explained(dualtrain: Any, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    code, _, err = dualtrain("sweep", str(path))
    assert code in (2, 3)
    assert message in " ".join(err.replace("│", " ").split())


def test_jobs_are_cloned_edited_extended_and_logged(dualtrain: Any) -> None:
    first = dualtrain("train", "--json", "--set", "max_steps=5")[1]
    job_id = json.loads(first)["id"]
    clone = json.loads(dualtrain("clone", job_id, "--set", "max_steps=6", "--json")[1])
    assert (clone["progress"]["step"], clone["spec"]["max_steps"]) == (6, 6)
    assert dualtrain("edit", clone["id"], "--name", "the clone", "--metadata", "a=b")[0] == 0
    assert clone["id"] in dualtrain("jobs", "--name", "THE CLONE", "--metadata", "a=b")[1]
    assert json.loads(dualtrain("extend", clone["id"], "--max-steps", "9", "--json")[1])["progress"]["step"] == 9
    assert "status succeeded" in dualtrain("log", clone["id"])[1]
    assert dualtrain("extend", clone["id"])[0] == 2
    assert dualtrain("retry", clone["id"])[0] == 3
    assert dualtrain("usage")[0] == 0


def test_keys_need_a_file_and_are_kept_there(dualtrain: Any, tmp_path: Path) -> None:
    assert dualtrain("keys", "list")[0] == 2
    path = str(tmp_path / "keys.json")
    assert dualtrain("keys", "add", "ann", "--file", path, "read", "--max-waiting-jobs", "3")[0] == 0
    assert dualtrain("keys", "--file", path)[0] == 0
    assert dualtrain("keys", "revoke", "--file", path, "bob")[0] == 2
    assert "ann" in Path(path).read_text()
