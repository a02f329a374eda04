"""The manifests: their schemas, and that what they name exists."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from dualtrain.core.job import Status
from dualtrain.core.settings import Settings
from dualtrain.core.store import keys

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS: list[dict[str, Any]] = [
    manifest for name in KUSTOMIZATION["resources"] for manifest in yaml.safe_load_all((FOLDER / name).read_text())
]
WORKLOADS = {one["metadata"]["name"]: one for one in MANIFESTS if one["kind"] in ("Deployment", "StatefulSet")}
PODS = {name: workload["spec"]["template"]["spec"] for name, workload in WORKLOADS.items()}


def _of(kind: str) -> list[dict[str, Any]]:
    return [manifest for manifest in MANIFESTS if manifest["kind"] == kind]


def _named(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']}-{manifest['metadata']['name']}"


@pytest.mark.parametrize("manifest", [one for one in MANIFESTS if "keda" not in one["apiVersion"]], ids=_named)
def test_each_has_the_form_of_its_schema(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_every_file_is_listed() -> None:
    assert {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"} == set(KUSTOMIZATION["resources"])


@pytest.mark.parametrize("name", PODS)
def test_pods_are_confined(name: str) -> None:
    pod = PODS[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"].keys() == {"cpu", "memory"}
        assert container["readinessProbe"]


def test_only_the_api_has_the_password_of_the_store() -> None:
    assert {name for name, pod in PODS.items() if "STORE_PASSWORD" in str(pod)} == {"api", "store"}


@pytest.mark.parametrize("name", ["api", "worker"])
def test_variables_are_settings(name: str) -> None:
    given = [variable["name"] for variable in PODS[name]["containers"][0]["env"]]
    ours = {variable.removeprefix("DUALTRAIN_").lower() for variable in given if variable.startswith("DUALTRAIN_")}
    assert ours <= set(Settings.model_fields)


def test_selectors_find_pods() -> None:
    labels = {workload["spec"]["template"]["metadata"]["labels"]["app"] for workload in WORKLOADS.values()}
    assert labels == set(WORKLOADS)
    selected = [one["spec"]["selector"].get("app") for one in _of("Service")]
    chosen = [one["spec"]["podSelector"].get("matchLabels", {}).get("app") for one in _of("NetworkPolicy")]
    assert {name for name in [*selected, *chosen] if name} <= labels


def test_everything_is_denied_that_is_not_allowed() -> None:
    (deny,) = [one for one in _of("NetworkPolicy") if one["metadata"]["name"] == "nothing"]
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (store,) = [one for one in _of("NetworkPolicy") if one["metadata"]["name"] == "store"]
    peers = [peer.get("podSelector", {}).get("matchLabels") for peer in store["spec"]["ingress"][0]["from"]]
    assert {"app": "worker"} not in peers


def test_the_scaler_counts_keys_of_the_store() -> None:
    (scaler,) = _of("ScaledObject")
    assert scaler["spec"]["scaleTargetRef"]["name"] in WORKLOADS
    assert scaler["spec"]["minReplicaCount"] >= 1
    counted = {trigger["metadata"]["listName"] for trigger in scaler["spec"]["triggers"]}
    assert counted == {keys.QUEUE, keys.by_status(Status.RUNNING)}
    (authentication,) = _of("TriggerAuthentication")
    assert {one["authenticationRef"]["name"] for one in scaler["spec"]["triggers"]} == {
        authentication["metadata"]["name"]
    }


def test_secrets_are_generated_under_the_names_that_pods_use() -> None:
    generated = {secret["name"] for secret in KUSTOMIZATION["secretGenerator"]}
    assert generated == {"passwords", "api-keys"}
    example = (FOLDER / "secrets.env.example").read_text().split()
    assert {line.partition("=")[0] for line in example} == {"STORE_PASSWORD", "EXCHANGE_PASSWORD"}
