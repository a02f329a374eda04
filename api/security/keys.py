"""API keys: a JSON file of names, hashes and scopes, read again when it changes.

Keys are random and long, so a plain sha256 of them is safe to keep. A key's name is the owner of the jobs it submits.
"""

import hashlib
import hmac
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

PREFIX = "dualtrain_"
LOOK_SECONDS = 1.0
"""How often the file is looked at: a new key works, and a removed one stops working, after this time at the latest."""


class Scope(StrEnum):
    """Permission of a key. `submit` includes nothing of `read`; `admin` includes both, for the jobs of all keys."""

    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"


class Key(BaseModel):
    """A caller. Limits that are null do not apply."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    scopes: frozenset[Scope]
    max_waiting_jobs: int | None = Field(None, ge=0)
    max_running_jobs: int | None = Field(None, ge=0, description="new jobs are refused while this many run")
    max_stored_bytes: int | None = Field(None, ge=0, description="of the checkpoints of its jobs")
    requests_per_minute: int | None = Field(None, ge=1)
    expires_at: AwareDatetime | None = Field(None, description="from then on the key is refused")
    previous_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    previous_until: AwareDatetime | None = Field(None, description="until then the secret before a rotation works too")

    @property
    def owner(self) -> str | None:
        """The owner of the jobs it submits: None where no keys are used."""
        return self.name if self is not ANYONE else None

    @property
    def sees_owners(self) -> bool:
        """True if the key may see the owners of jobs."""
        return self.owner is not None and Scope.ADMIN in self.scopes

    def accepts(self, sha256: str) -> bool:
        """Return whether a secret with this hash is this key's, now."""
        now = datetime.now(UTC)
        if self.expires_at is not None and now >= self.expires_at:
            return False
        if hmac.compare_digest(self.sha256, sha256):
            return True
        overlaps = self.previous_until is not None and now < self.previous_until
        return overlaps and hmac.compare_digest(self.previous_sha256 or "", sha256)

    def may(self, scope: Scope) -> bool:
        """Return whether it has the scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def owns(self, owner: str | None) -> bool:
        """Return whether it may see and change what belongs to `owner`."""
        return self is ANYONE or Scope.ADMIN in self.scopes or owner == self.name


ANYONE = Key(name="anyone", sha256="0" * 64, scopes=frozenset(Scope))
"""Who calls a server without keys, which listens on loopback only."""

DEFAULT_SCOPES = frozenset({Scope.READ, Scope.SUBMIT})
_FILE = TypeAdapter(list[Key])


class Keys:
    """The keys of a file. A change that cannot be read is logged, and the keys from before it stay."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked, self._stamp = 0.0, (0, 0, 0)
        self._keys: list[Key] = []
        self._read()

    def of_token(self, token: str) -> Key | None:
        """Return the key of a secret, None when there is none."""
        return self.of_digest(digest(token))

    def of_digest(self, sha256: str) -> Key | None:
        """Return the key with this hash, None when there is none."""
        self._look()
        return next((key for key in self._keys if key.accepts(sha256)), None)

    def _look(self) -> None:
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        try:
            self._read()
        except (OSError, ValueError) as error:
            structlog.get_logger().error("the file of API keys cannot be read", path=str(self._path), error=str(error))

    def _read(self) -> None:
        self._looked = time.monotonic()
        status = self._path.stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp != self._stamp:
            self._keys = _FILE.validate_json(self._path.read_bytes())
            self._stamp = stamp


def digest(token: str) -> str:
    """Return the sha256 of a secret, in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def create(path: Path, name: str, scopes: frozenset[Scope] | None = None) -> str:
    """Add a key to a file, which need not exist yet, or replace the secret of the key with this name.

    A replaced secret leaves limits as they are, and scopes too unless others are given; a new key may read and submit.
    Returns the secret, which is kept nowhere.
    """
    token = new_secret()
    known = {key.name: key for key in read(path)}
    present = known.get(name) or Key(name=name, sha256=digest(token), scopes=DEFAULT_SCOPES)
    put(path, present.model_copy(update={"sha256": digest(token), "scopes": scopes or present.scopes}))
    return token


def put(path: Path, key: Key) -> None:
    """Add a key to a file, which need not exist yet; it takes the place of the key with its name."""
    write(path, [*(known for known in read(path) if known.name != key.name), key])


def write(path: Path, keys: Iterable[Key]) -> None:
    """Replace the keys of a file, which need not exist yet."""
    listed = list(keys)
    text = json.dumps(_FILE.dump_python(listed, mode="json", exclude_none=True), indent=1)
    # A file of our own that only we may read, whatever lies in the folder: a symbolic link there is not followed.
    descriptor, new = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise


def new_secret() -> str:
    """Return a secret that no key has."""
    return PREFIX + secrets.token_hex(32)


def read(path: Path) -> list[Key]:
    """Return the keys of a file, none if it does not exist. Raises ValueError when it cannot be read."""
    return _FILE.validate_json(path.read_bytes()) if path.exists() else []
