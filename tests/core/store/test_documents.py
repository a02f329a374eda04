"""Aliases: the newest target counts, and names can be removed."""

from redis import Redis

from dualtrain.core.job import new_id
from dualtrain.core.store import Documents


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
