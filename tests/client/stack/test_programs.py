"""What the stack runs, and on which servers."""

import socket
from pathlib import Path

import pytest

from dualtrain.client.stack.folders import Folders, locked_folders
from dualtrain.client.stack.listener import open_listener
from dualtrain.client.stack.programs import ProgramFactory, with_private_servers
from dualtrain.core.settings import Settings


def test_private_servers_stand_in_for_those_that_were_not_named(tmp_path: Path) -> None:
    with locked_folders(tmp_path) as folders:
        none = with_private_servers(Settings(), folders)
        assert none.redis_url.endswith("/store?db=0")
        assert none.exchange_url == none.broker_url != none.redis_url
        broker = with_private_servers(Settings(broker_url="amqp://rabbit"), folders)
        assert (broker.exchange_url, broker.broker_url) == (none.exchange_url, "amqp://rabbit")
        exchange = with_private_servers(Settings(exchange_url="redis://other"), folders)
        assert (exchange.redis_url, exchange.broker_url) == (none.redis_url, "redis://other")


def test_whoever_listens_to_all_is_reached_at_loopback_too() -> None:
    for host in ("0.0.0.0", "::"):
        with open_listener(host, 0) as listener, socket.create_connection(("127.0.0.1", listener.getsockname()[1]), 2):
            pass


def test_each_program_gets_the_secrets_and_the_socket_that_it_needs_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUALTRAIN_API_KEY", "my key")
    urls = {"redis_url": "redis://:store-password@127.0.0.1", "exchange_url": "redis://exchange"}
    settings = Settings(webhook_secret="webhook secret", workers=1, **urls)
    factory = ProgramFactory(settings, Folders(tmp_path, tmp_path), lambda *_: None)
    programs = {program.name: program for program in factory.programs(private_servers=True, listener=7)}
    seen = {name: " ".join(program.environment.values()) for name, program in programs.items()}
    assert {name for name, text in seen.items() if "webhook secret" in text} == {"api"}
    assert {name for name, text in seen.items() if "store-password" in text} == {"api"}
    assert {name for name, text in seen.items() if "my key" in text} == set()
    assert {name: program.inherited for name, program in programs.items() if program.inherited} == {"api": (7,)}


def test_files_of_the_current_folder_do_not_shadow_the_modules_of_programs(tmp_path: Path) -> None:
    factory = ProgramFactory(Settings(), Folders(tmp_path, tmp_path), lambda *_: None)
    assert all(program.command[1] == "-P" for program in factory.programs(private_servers=False, listener=7))
