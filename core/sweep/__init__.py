"""Sweeps: many jobs of one base spec, in cells and over seeds."""

from dualtrain.core.sweep.spec import Cell, SweepJob, SweepSpec, cells, is_sweep_id, job_document, jobs, new_sweep_id
from dualtrain.core.sweep.steps import Actions, JobState, Rung, SweepStatus, kept_cells, metric_at, next_actions
from dualtrain.core.sweep.table import CellSummary, Outcome, Spread, mean_history, summarize

__all__ = [
    "Actions",
    "Cell",
    "CellSummary",
    "JobState",
    "Outcome",
    "Rung",
    "Spread",
    "SweepJob",
    "SweepSpec",
    "SweepStatus",
    "cells",
    "is_sweep_id",
    "job_document",
    "jobs",
    "kept_cells",
    "mean_history",
    "metric_at",
    "new_sweep_id",
    "next_actions",
    "summarize",
]
