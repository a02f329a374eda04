"""How a worker's parent process treats the message of a shard."""

from celery.worker.request import Request


class Unacknowledged(Request):  # type: ignore[misc]
    """A request whose message left the queue when it was taken.

    Without this kombu would still ask Redis to forget the message, and wait for the answer: a round trip a shard.
    """

    def acknowledge(self) -> None:
        """Nothing is left to be acknowledged."""
        self.acknowledged = True
