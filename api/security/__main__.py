"""`python -m api.security FILE NAME [SCOPE ...]`: adds a key, or gives a name a new one, and prints the secret once."""

import sys
from pathlib import Path

from api.security.keys import Scope, create


def main() -> None:
    """Read the command line. Scopes default to read and submit."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    path, name, *scopes = sys.argv[1:]
    wanted = frozenset(Scope(scope) for scope in scopes) or frozenset({Scope.READ, Scope.SUBMIT})
    sys.stdout.write(create(Path(path), name, wanted) + "\n")


if __name__ == "__main__":
    main()
