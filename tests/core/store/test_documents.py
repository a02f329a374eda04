"""History stays bounded without losing its shape; aliases name and forget."""

import json

from redis import Redis

from dualtrain.core.job import new_id
from dualtrain.core.store import Documents, Lease, keys
from dualtrain.core.store.documents import HISTORY_POINTS, thinned


def points(count: int, every: int) -> list[dict[str, float | int | None]]:
    return [{"step": i, "loss": 1.0, "test_accuracy": 0.5 if i % every == 0 else None} for i in range(count)]


def test_thinning_keeps_evaluations_and_ends() -> None:
    before = points(2001, every=100)
    after = thinned(before)
    assert len(after) < 0.6 * len(before)
    assert [p for p in after if p["test_accuracy"]] == [p for p in before if p["test_accuracy"]]
    gaps = [b["step"] - a["step"] for a, b in zip(after, after[1:], strict=False)]
    assert max(gaps) <= 3


def test_too_many_evaluations_are_thinned_too() -> None:
    before = points(2001, every=1)
    after = thinned(before)
    assert len(after) < 0.6 * len(before)
    assert (after[0], after[-1]) == (before[0], before[-1])


def test_a_history_over_the_limit_is_brought_back(store: Redis) -> None:
    documents, old, new = Documents(store), Lease("j", 1), Lease("j", 2)
    store.set(keys.token("j"), new.token)
    store.rpush(keys.history("j"), *map(json.dumps, points(HISTORY_POINTS, 100)))
    documents.thin(new)
    assert len(documents.history("j")) == HISTORY_POINTS
    store.rpush(keys.history("j"), json.dumps({"step": HISTORY_POINTS, "test_accuracy": None}))
    documents.thin(old)
    assert len(documents.history("j")) == HISTORY_POINTS + 1
    documents.thin(new)
    kept = documents.history("j")
    assert len(kept) < HISTORY_POINTS
    assert kept[-1]["step"] == HISTORY_POINTS


def test_an_alias_names_the_newest_and_can_be_removed(store: Redis) -> None:
    documents = Documents(store)
    assert documents.alias("digits") is None
    documents.put_alias("digits", {"job_id": "a"})
    documents.put_alias("digits", {"job_id": "b", "step": 3})
    assert documents.alias("digits") == {"job_id": "b", "step": 3}
    assert documents.aliases() == {"digits": {"job_id": "b", "step": 3}}
    assert documents.target("digits") == ("b", 3)
    for _ in range(2):
        documents.remove_alias("digits")
        assert documents.target("digits") == ("digits", None)


def test_a_jobs_id_means_that_job_whatever_aliases_there_are(store: Redis) -> None:
    documents, job_id = Documents(store), new_id()
    documents.put_alias(job_id, {"job_id": "another", "step": 3})
    assert documents.target(job_id) == (job_id, None)
