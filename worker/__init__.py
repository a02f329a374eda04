"""The Celery worker: computes shards and hands their rows to the aggregator."""
