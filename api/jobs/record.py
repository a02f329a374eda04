"""The record of a job that was just accepted."""

from pathlib import Path

from dualtrain.core.data import describe
from dualtrain.core.job import CheckpointRef, Job, JobProgress, ModelInfo, Status, SweepRef
from dualtrain.core.loop import epoch_for, network_for, steps_for
from dualtrain.core.runtime.times import now
from dualtrain.core.spec import JobSpec


def new_job(
    job_id: str,
    spec: JobSpec,
    owner: str | None,
    data_dir: Path,
    *,
    sweep: SweepRef | None = None,
    initial_checkpoint: CheckpointRef | None = None,
) -> Job:
    """Return a queued job of this spec, with what follows from the spec and its data set: steps and parameters."""
    samples = describe(spec.dataset.name, data_dir).train_samples
    return Job(
        id=job_id,
        name=spec.name,
        owner=owner,
        status=Status.QUEUED,
        created_at=now(),
        spec=spec.model_dump(mode="json"),
        progress=JobProgress(total_steps=steps_for(spec, epoch_for(spec, samples))),
        model=ModelInfo(parameters=network_for(spec).size),
        sweep=sweep,
        initial_checkpoint=initial_checkpoint,
    )
