"""Writes the API keys that the environment names into DUALTRAIN_API_KEYS_FILE; keys that are there already stay.

`OPERATOR_KEY` may do everything. `METRICS_KEY` may only read; Prometheus finds it in the file METRICS_KEY_FILE.
"""

import os
import sys
from pathlib import Path

from dualtrain.api.security.keys import Key, Scope, digest, put

SHORTEST = 24
"""Characters. A short secret can be guessed, and its hash says whether the guess is right."""

KEYS = {"OPERATOR_KEY": ("operator", Scope.ADMIN), "METRICS_KEY": ("metrics", Scope.READ)}


def main() -> None:
    """Put each key that is set."""
    path = Path(os.environ["DUALTRAIN_API_KEYS_FILE"])
    for variable, (name, scope) in KEYS.items():
        secret = os.environ.get(variable, "")
        if len(secret) < SHORTEST:
            sys.exit(f"{variable} has {len(secret)} characters; give it at least {SHORTEST}: openssl rand -hex 24")
        put(path, Key(name=name, sha256=digest(secret), scopes=frozenset({scope})))
    if scrape := os.environ.get("METRICS_KEY_FILE"):
        Path(scrape).write_text(os.environ["METRICS_KEY"])


if __name__ == "__main__":
    main()
