"""Exits with 0 when a worker process of this container told lately that it lives.

It asks the exchange, so it also fails while the exchange is away. That makes it a sign for people and for the order of
starting, not a reason to start a worker again: a worker waits for the exchange by itself.
"""

import socket
import sys

from core.settings import Settings
from core.store import Exchange, connect

here = socket.gethostname()
workers = Exchange(connect(Settings().exchange_url)).workers()
sys.exit(not any(worker["host"] == here for worker in workers))
