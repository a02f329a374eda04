"""Alerts and dashboard: they parse, and name metrics and labels that `/metrics` has."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from dualtrain.api.metrics import HELP, Measures
from dualtrain.api.services import Services
from dualtrain.core.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboards" / "dualtrain.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
EXPRESSIONS = {rule["alert"]: rule["expr"] for rule in ALERTS} | {
    f"{panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel["targets"]
}
OF_PROMETHEUS = {"up"}
WIDTH = 24


@pytest.fixture
def known(settings: Settings) -> set[str]:
    """The names of all series that a service can show."""
    gauges = {metric.name for metric in Measures(Services.of(settings)).collect()}
    parts = {f"{name}_{part}" for name in HELP if name.endswith("_seconds") for part in ("bucket", "count", "sum")}
    return gauges | set(HELP) | parts | OF_PROMETHEUS


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_parses_and_names_metrics_that_exist(name: str, known: set[str]) -> None:
    names = set(_metrics(_parse(EXPRESSIONS[name])))
    assert names
    assert names <= known


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"] and rule["annotations"]["description"]
    assert f"`{rule['alert']}`" in (DEPLOY.parent / "docs" / "operations.md").read_text()


def test_panels_do_not_overlap_and_use_the_source_that_is_provisioned() -> None:
    sources = yaml.safe_load((DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text())
    assert {panel["datasource"]["uid"] for panel in PANELS} == {sources["datasources"][0]["uid"]}
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken = [cell for panel in PANELS for cell in _cells(panel["gridPos"])]
    assert len(taken) == len(set(taken))
    assert all(0 <= column < WIDTH for column, _ in taken)


def test_every_measure_is_on_the_dashboard(known: set[str]) -> None:
    shown = {metric for expression in EXPRESSIONS.values() for metric in _metrics(_parse(expression))}
    bases = {name for name in known - OF_PROMETHEUS if not name.endswith(("_bucket", "_count", "_sum"))}
    missing = {base for base in bases if not any(metric.startswith(base) for metric in shown)}
    assert not missing


def test_prometheus_asks_the_api_with_its_key() -> None:
    settings = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (scrape,) = settings["scrape_configs"]
    assert scrape["job_name"] == "dualtrain"
    assert scrape["authorization"]["credentials_file"] == "/scrape/key"
    assert settings["rule_files"] == ["alerts.yml"]


def _parse(expression: str) -> Any:
    return promql_parser.parse(expression.replace("$__rate_interval", "1m"))


def _metrics(expression: Any) -> Iterator[str]:
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression.name
    for part in ("expr", "lhs", "rhs", "vector_selector"):
        if (inner := getattr(expression, part, None)) is not None:
            yield from _metrics(inner)
    for argument in getattr(expression, "args", None) or ():
        yield from _metrics(argument)


def _cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    for column in range(place["x"], place["x"] + place["w"]):
        for row in range(place["y"], place["y"] + place["h"]):
            yield column, row
