"""Checkpoints: whole or not at all, only from the newest token, and the right ones kept."""

import numpy as np
import pytest
from redis import Redis

from dualtrain.core.store import Checkpoint, Checkpoints, Leases, Stale, Summary, best, keys


def a_checkpoint(step: int) -> Checkpoint:
    vector = np.arange(4, dtype=np.float32) + step
    return Checkpoint(step, {"parameters": vector, "optimizer.0": -vector}, {"state": {"loss": 0.5}, "text": "ü"})


def test_a_checkpoint_is_a_safetensors_file_and_comes_back() -> None:
    sent = a_checkpoint(3)
    got = Checkpoint.from_bytes(sent.to_bytes())
    assert got.step == 3
    assert got.metadata == sent.metadata
    for name, tensor in sent.tensors.items():
        assert got.tensors[name].tobytes() == tensor.tobytes()


def test_the_last_the_best_and_some_more_are_kept(store: Redis) -> None:
    lease = Leases(store).acquire("j")
    assert lease is not None
    kept = Checkpoints(store)
    for step, accuracy in ((1, 0.1), (2, 0.9), (3, 0.2), (4, None), (5, 0.3), (6, 0.4), (7, None)):
        kept.save(lease, a_checkpoint(step), {"test_accuracy": accuracy}, keep=1)
    assert [one.step for one in kept.list("j")] == [2, 6, 7]
    chosen = best(kept.list("j"))
    assert chosen is not None
    assert chosen.step == 2
    assert kept.load("j", 5) is None
    last = kept.last("j")
    assert last is not None
    assert last.step == 7


def test_held_back_samples_go_before_the_test_split() -> None:
    def summary(step: int, test: float, held: float) -> Summary:
        return Summary(step=step, test_accuracy=test, validation_accuracy=held, sha256="", size_bytes=0, at="")

    chosen = best([summary(1, 0.9, 0.5), summary(2, 0.8, 0.6), summary(3, 0.7, 0.6)])
    assert chosen is not None
    assert chosen.step == 2


def test_an_old_token_cannot_save(store: Redis) -> None:
    leases = Leases(store)
    store.hset(keys.job("j"), "id", '"j"')
    old = leases.acquire("j")
    assert old is not None
    leases.release(old)
    assert leases.acquire("j") is not None
    with pytest.raises(Stale):
        Checkpoints(store).save(old, a_checkpoint(1), {}, keep=5)
    assert Checkpoints(store).list("j") == []


def test_the_newest_is_found_though_it_is_replaced_meanwhile(store: Redis) -> None:
    class Replacing(Checkpoints):
        def load(self, job_id: str, step: int) -> Checkpoint | None:
            if step == 1:
                self.save(lease, a_checkpoint(2), {}, keep=0)  # which drops the one of step 1
            return super().load(job_id, step)

    lease = Leases(store).acquire("j")
    assert lease is not None
    kept = Replacing(store)
    assert kept.last("j") is None
    kept.save(lease, a_checkpoint(1), {}, keep=0)
    last = kept.last("j")
    assert last is not None
    assert last.step == 2
