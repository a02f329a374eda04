"""What the stack runs, and on which servers."""

import socket
from pathlib import Path

from dualtrain.client.stack.folders import held
from dualtrain.client.stack.programs import with_private_servers
from dualtrain.client.stack.stack import _listening
from dualtrain.core.settings import Settings


def test_private_servers_stand_in_for_those_that_were_not_named(tmp_path: Path) -> None:
    with held(tmp_path) as folders:
        none = with_private_servers(Settings(), folders)
        assert none.redis_url.endswith("/store?db=0")
        assert none.exchange_url == none.broker_url != none.redis_url
        broker = with_private_servers(Settings(broker_url="amqp://rabbit"), folders)
        assert (broker.exchange_url, broker.broker_url) == (none.exchange_url, "amqp://rabbit")
        exchange = with_private_servers(Settings(exchange_url="redis://other"), folders)
        assert (exchange.redis_url, exchange.broker_url) == (none.redis_url, "redis://other")


def test_whoever_listens_to_all_is_reached_at_loopback_too() -> None:
    for host in ("0.0.0.0", "::"):
        with _listening(host, 0) as listener, socket.create_connection(("127.0.0.1", listener.getsockname()[1]), 2):
            pass
