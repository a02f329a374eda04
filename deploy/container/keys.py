"""Write the API keys that the environment names into DUALTRAIN_API_KEYS_FILE; keys that are there already stay.

`OPERATOR_KEY` may do everything. `METRICS_KEY` may only read; Prometheus finds it in METRICS_KEY_FILE. An error
ends it when a key is too short, or when a secret is the example's and PUBLISH_ADDRESS can be reached by others.
"""

import os
import sys
from pathlib import Path

from dualtrain.api.security.keys import Key, Scope, digest, put
from dualtrain.core.runtime.hosts import is_loopback

SHORTEST = 24
"""Characters. A short secret can be guessed, and its hash says whether the guess is right."""

EXAMPLE = "change-me"
"""In every secret of `.env.example`, which everybody can read."""
SECRETS = (
    "OPERATOR_KEY",
    "METRICS_KEY",
    "STORE_PASSWORD",
    "EXCHANGE_PASSWORD",
    "WEBHOOK_SECRET",
    "GRAFANA_PASSWORD",
    "FLOWER_LOGIN",
)

KEYS = {"OPERATOR_KEY": ("operator", Scope.ADMIN), "METRICS_KEY": ("metrics", Scope.READ)}


def main() -> None:
    """Check the secrets, then write the keys."""
    _refuse_examples()
    path = Path(os.environ["DUALTRAIN_API_KEYS_FILE"])
    for variable, (name, scope) in KEYS.items():
        secret = os.environ.get(variable, "")
        if len(secret) < SHORTEST:
            sys.exit(f"{variable} has {len(secret)} characters; give it at least {SHORTEST}: openssl rand -hex 24")
        put(path, Key(name=name, sha256=digest(secret), scopes=frozenset({scope})))
    if scrape := os.environ.get("METRICS_KEY_FILE"):
        Path(scrape).write_text(os.environ["METRICS_KEY"])


def _refuse_examples() -> None:
    address = os.environ.get("PUBLISH_ADDRESS", "127.0.0.1")
    examples = [name for name in SECRETS if EXAMPLE in os.environ.get(name, "")]
    if examples and not is_loopback(address):
        sys.exit(
            f"PUBLISH_ADDRESS is {address}, which others can reach, and {', '.join(examples)} of .env are still the "
            "example's: replace them by `openssl rand -hex 24`"
        )


if __name__ == "__main__":
    main()
