"""Which hosts and origins are ours."""

import pytest

from dualtrain.api.security import ForeignHost, ForeignOrigin, Hosts
from dualtrain.core.runtime.hosts import is_loopback

HOSTS = Hosts.of(["train.example.org"])


def refused(method: str, path: str = "/v1/jobs", **headers: str) -> str | None:
    """Return why a request is refused, None when it may pass."""
    try:
        HOSTS.check(method, path, {name.replace("_", "-"): value for name, value in headers.items()})
    except ForeignHost:
        return "foreign_host"
    except ForeignOrigin:
        return "foreign_origin"
    return None


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:80", "192.168.0.7", "train.example.org:443"]
)
def test_our_names_and_addresses_pass(host: str) -> None:
    assert refused("POST", host=host) is None


@pytest.mark.parametrize("host", ["", "evil.org", "localhost.evil.org", "train.example.org.evil.org", "[", "a b", "@"])
def test_rebound_names_do_not(host: str) -> None:
    assert refused("GET", host=host) == "foreign_host"


def test_a_star_lets_every_name_pass() -> None:
    Hosts.of(["*"]).check("GET", "/", {"host": "anything"})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_our_own_pages_change_something(method: str) -> None:
    assert refused(method, host="localhost:80", origin="http://localhost:80") is None
    assert refused(method, host="localhost:80", origin="http://localhost:81") == "foreign_origin"
    assert refused(method, host="localhost:80", origin="http://evil.org") == "foreign_origin"
    for none in ("null", "http://[", "", "://"):
        assert refused(method, host="localhost:80", origin=none) == "foreign_origin"
    assert refused(method, host="[::1]:80", origin="http://[::1]:80") is None
    assert refused(method, host="localhost:80", sec_fetch_site="cross-site") == "foreign_origin"
    assert refused(method, host="localhost:80", sec_fetch_site="same-site") == "foreign_origin"
    assert refused(method, host="localhost:80", sec_fetch_site="same-origin") is None


@pytest.mark.parametrize("path", ["/v1/datasets/ylecun/mnist/samples", "/v2/models/m", "/metrics"])
@pytest.mark.parametrize("headers", [{"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"},
                                     {"origin": "http://evil.org"}], ids=str)  # fmt: skip
def test_pages_of_other_sites_send_no_costly_requests(path: str, headers: dict[str, str]) -> None:
    assert refused("GET", path, host="localhost", **headers) == "foreign_origin"
    assert refused("GET", path, host="localhost", sec_fetch_site="same-origin") is None
    assert refused("GET", path, host="localhost") is None  # no browser


def test_links_from_other_sites_lead_to_the_page_and_to_the_documentation() -> None:
    for path in ("/", "/docs", "/static/main.js", "/livez"):
        assert refused("GET", path, host="localhost", sec_fetch_site="cross-site") is None


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("x.org", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
