"""Exits with 0 when a worker process of this container told lately that it lives.

It asks the exchange, so it also fails while the exchange is away. That makes it a sign for people and for the order of
starting, not a reason to start a worker again: a worker waits for the exchange by itself. It imports nothing of the
service, for it runs often and beside processes that compute.
"""

import os
import socket
import sys

from redis import Redis

BEATS = "dualtrain:worker:"
"""The prefix of `dualtrain.core.store.keys.WORKER`, before the worker's id, which begins with its host."""

with Redis.from_url(os.environ["DUALTRAIN_EXCHANGE_URL"], socket_timeout=3, socket_connect_timeout=3) as exchange:
    sys.exit(next(exchange.scan_iter(f"{BEATS}{socket.gethostname()}-*", count=1000), None) is None)
