"""What keys may do: every operation asks for its scope."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2

from dualtrain.api.app import create_app
from dualtrain.api.middleware.authentication import OPEN
from dualtrain.api.security import Scope
from dualtrain.api.security.keys import create
from dualtrain.core.settings import Settings

READS_BY_POST = re.compile(r".*/(predictions|trace|infer)$")
Serve = Callable[[Settings], AbstractContextManager[str]]


def needed(method: str, path: str) -> Scope:
    """Return the scope that an operation asks for; `admin` has all."""
    if method == "GET" or READS_BY_POST.fullmatch(path):
        return Scope.READ
    return Scope.ADMIN if (method, path) == ("DELETE", "/v1/datasets/{name}") else Scope.SUBMIT


def test_every_operation_asks_for_its_scope(settings: Settings, serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    tokens = {scope: create(file, scope.value, frozenset({scope})) for scope in Scope}
    keyed = settings.model_copy(update={"api_keys_file": file, "data_dir": tmp_path / "data"})
    paths = create_app(keyed, aggregator=False).openapi()["paths"]
    operations = [(method.upper(), path) for path in paths for method in paths[path] if not OPEN.fullmatch(path)]
    assert len(operations) > 30
    with serve(keyed) as url, httpx2.Client(base_url=url) as client:
        for method, path in operations:
            for scope, token in tokens.items():
                address, headers = re.sub(r"{\w+}", "1", path), {"Authorization": f"Bearer {token}"}
                with client.stream(method, address, headers=headers) as answer:
                    refused = scope not in (needed(method, path), Scope.ADMIN)
                    assert (answer.status_code == 403) == refused, (method, path, scope, answer.status_code)
