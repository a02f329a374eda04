"""docker-compose.yml as a file; that it runs is shown by `make containers`."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dualtrain.core.store import keys

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSITION: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSITION["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("dualtrain")]
WITH_A_DEFAULT = {"DUALTRAIN_TAG", "REDIS_IMAGE", "REDIS_PROGRAM", "PROMETHEUS_IMAGE", "GRAFANA_IMAGE"}


def test_it_has_the_form_of_the_compose_specification() -> None:
    check = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec")
    done = subprocess.run([*check, "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_example_names_every_variable_and_no_other() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    example = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    used = set(re.findall(r"\$\{([A-Z_]+)", TEXT))
    assert used - WITH_A_DEFAULT == example


def test_only_the_api_is_published_without_the_profile() -> None:
    assert [name for name, one in SERVICES.items() if one.get("ports") and "profiles" not in one] == ["api"]
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert all(port.startswith("${PUBLISH_ADDRESS:-127.0.0.1}:") for port in published)


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    assert "privileged" not in service
    assert service["mem_limit"]
    assert "cpus" in service


@pytest.mark.parametrize("name", OURS)
def test_our_processes_are_reaped_and_have_time_to_end(name: str) -> None:
    assert SERVICES[name]["init"] is True
    if name in ("api", "worker"):
        # Beyond what uvicorn and the worker allow themselves.
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= 20


@pytest.mark.parametrize("name", ["store", "exchange", "worker"])
def test_what_others_wait_for_tells_its_health(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


def test_the_check_of_a_worker_looks_for_its_heartbeat() -> None:
    script = (ROOT / "deploy" / "container" / "worker_health.py").read_text()
    beats = keys.worker("")
    assert f'BEATS = "{beats}"' in script
    assert 'f"{socket.gethostname()}-{os.getpid()}"' in (ROOT / "worker" / "signals.py").read_text()


def test_only_the_api_reaches_the_store() -> None:
    reach = {name for name, service in SERVICES.items() if "store" in service.get("networks", [])}
    knows = {name for name, service in SERVICES.items() if "STORE_PASSWORD" in str(service.get("environment", ""))}
    assert reach == {"store", "api"}
    assert knows == {"store", "api", "keys"}
    assert SERVICES["keys"]["network_mode"] == "none"
    assert all(COMPOSITION["networks"][name]["internal"] for name in ("store", "exchange", "monitoring"))


def test_the_dockerfile_ends_without_root_and_installs_by_hash() -> None:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    runtime = text[text.index(" AS base") :]
    assert "USER 10001:10001" in runtime
    assert "pip" not in runtime
    installs = [part for line in text.splitlines() for part in line.split("&&") if "pip" in part and "install" in part]
    assert installs
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)
    assert all("--no-deps" in part for part in installs), "what is resolved anew is not what was tested"


def test_a_proxy_can_be_named_whose_word_about_tls_is_believed() -> None:
    assert SERVICES["api"]["environment"]["DUALTRAIN_TRUSTED_PROXIES"] == "${TRUSTED_PROXIES:-127.0.0.1,::1}"


@pytest.mark.parametrize("name", ["service", "build", "flower", "tracing"])
def test_the_image_is_made_of_what_the_tests_run_with(name: str) -> None:
    tested, shipped = (_pins(ROOT / path) for path in ("requirements.txt", f"deploy/requirements/{name}.txt"))
    different = {name: pin for name, pin in shipped.items() if name in tested and tested[name] != pin}
    assert not different, "run `make lock`"


def _pins(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^ ]+)", path.read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found
