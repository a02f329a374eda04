"""`python -m dualtrain.api.security FILE NAME [SCOPE ...]`: add a key, or replace its secret; prints the secret once.

A replaced secret leaves the key's limits as they are.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from dualtrain.api.security.keys import Key, Scope, create


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line; exit code 2 for a scope that there is not, a bad name, or a file that cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m dualtrain.api.security", description=__doc__)
    parser.add_argument("file", type=Path, help="a JSON file of keys, made if it is not there")
    parser.add_argument("name", help="who the key is for")
    scopes = f"{{{','.join(Scope)}}}"
    parser.add_argument(
        "scopes",
        type=Scope,
        nargs="*",
        metavar=scopes,
        help="what it may do; default: as before, for a new key read submit",
    )
    options = parser.parse_args(arguments)
    try:
        secret = create(options.file, options.name, frozenset(options.scopes) or None)
    except ValidationError as error:
        what = f"the name {options.name!r}" if error.title == Key.__name__ else f"what is in {options.file}"
        parser.error(f"{what} is wrong: {error.errors()[0]['msg']}")
    except OSError as error:
        parser.error(f"{options.file}: {error.strerror}; name a file in a folder that is there")
    sys.stdout.write(secret + "\n")


if __name__ == "__main__":
    main()
