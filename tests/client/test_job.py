"""What came of a job: events, history, files."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from safetensors.numpy import load_file

from dualtrain.client import ApiError, Client, JobHandle


def test_events_end_with_done_and_go_on_from_an_id(trained: JobHandle) -> None:
    events = list(trained.events())
    assert [event.type for event in events].count("done") == 1
    assert events[-1].type == "done"
    middle = len(events) // 2
    assert list(trained.events(after=events[middle].id)) == events[middle + 1 :]


def test_history_checkpoints_and_evaluation(trained: JobHandle) -> None:
    steps = [point["step"] for point in trained.history()]
    assert steps == sorted(set(steps))
    assert steps[-1] == 200
    assert trained.checkpoints()[-1]["step"] == 200
    assert sum(map(sum, trained.evaluation()["confusion"])) == 10_000


def test_the_model_is_written_to_a_file_whole_or_not_at_all(trained: JobHandle, tmp_path: Path) -> None:
    path = trained.download(tmp_path / "model.safetensors", step="best")
    assert sum(array.size for array in load_file(path).values()) == trained.record.model.parameters
    with pytest.raises(ApiError):
        trained.download(tmp_path / "none.npz", form="npz", step="7")
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_images_are_files_or_bytes(trained: JobHandle, tmp_path: Path) -> None:
    picture = Image.new("L", (60, 60), 255)
    ImageDraw.Draw(picture).line((30, 8, 30, 52), fill=0, width=6)
    path = tmp_path / "one.png"
    picture.save(path)
    from_file, from_bytes = trained.predict(path, path.read_bytes())
    assert from_file == from_bytes
    assert trained.predict(str(path))[0].digit == 1


def test_nothing_or_both_cannot_be_predicted(trained: JobHandle) -> None:
    with pytest.raises(ValueError, match="images or pixels"):
        trained.predict()
    with pytest.raises(ValueError, match="images or pixels"):
        trained.predict(b"", pixels=[[0] * 784])


def test_wait_tells_of_each_event(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[str] = []
    job = client.submit({"max_steps": 3})
    ended = job.wait(progress=True, on_event=lambda event: heard.append(event.type))
    assert heard[-1] == "done"
    assert "evaluation" in heard
    assert ended.progress.step == 3
    told = capsys.readouterr().err
    assert "step 3/3" in told
    assert "test" in told
    assert json.loads(ended.model_dump_json())["status"] == "succeeded"


def test_a_step_that_is_kept_can_be_asked_for(trained: JobHandle, tmp_path: Path) -> None:
    first, *_, last = (str(one["step"]) for one in trained.checkpoints())
    files = [trained.download(tmp_path / step, form="npz", step=step) for step in (first, last, "last")]
    early, late, newest = (np.load(file)["layers.0.weights"].tolist() for file in files)
    assert early != late == newest
    pixels = [[100] * 784]
    assert trained.predict(pixels=pixels, step=first) != trained.predict(pixels=pixels)
    assert trained.predict(pixels=pixels, step=last) == trained.predict(pixels=pixels)


def test_the_ending_of_the_file_is_the_format(trained: JobHandle, tmp_path: Path) -> None:
    assert trained.download(tmp_path / "model.onnx").read_bytes()[:1] == b"\x08"  # ir_version, the first field
    with pytest.raises(ValueError, match="ends with none of"):
        trained.download(tmp_path / "model.h5")


def test_a_list_of_images_is_as_good_as_arguments(trained: JobHandle) -> None:
    file = io.BytesIO()
    picture = Image.new("L", (28, 28), 255)
    ImageDraw.Draw(picture).line((14, 4, 14, 24), fill=0, width=3)
    picture.save(file, "PNG")
    image = file.getvalue()
    assert trained.predict([image, image]) == trained.predict(image, image)


def test_a_handle_shows_what_it_is(trained: JobHandle) -> None:
    assert repr(trained).startswith(f"<JobHandle {trained.id}: ")
    assert trained.id in trained._repr_html_()
