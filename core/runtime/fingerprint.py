"""Fingerprint of all that the last bits of a result depend on besides the spec; and the digest of a result."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from dualtrain.core.version import __version__

COMPUTING = (
    "dual/**/*.py",
    "nn/**/*.py",
    "gradients/**/*.py",
    "rounds/**/*.py",
    "data/dataset.py",
    "evaluation.py",
    "loop.py",
)
"""The modules that decide bits. The image decoders are not among them: the data set's sha256 covers them."""

LAYERS = "dualtrain.layers"
"""The entry points under which an operator installs layers, whose code computes too."""


@dataclass(frozen=True)
class Origin:
    """Code version and numerics of a job: it can be resumed only where both are the same."""

    code: str
    numerics: str

    @classmethod
    def here(cls, data_sha256: str) -> "Origin":
        """Return the origin of a job that is begun by this process, on a data set of this sha256."""
        return cls(code_version(), fingerprint(data_sha256))


def fingerprint(data_sha256: str) -> str:
    """Return 16 hex digits over NumPy's version, BLAS kernel and threads, SIMD features, and the data set's sha256."""
    return hashlib.sha256(f"{platform_digest()} {data_sha256}".encode()).hexdigest()[:16]


def digest(parameters: NDArray[Any]) -> str:
    """Return the sha256 of a parameter vector's bytes: little-endian, flat order."""
    return hashlib.sha256(np.ascontiguousarray(parameters, parameters.dtype.newbyteorder("<")).tobytes()).hexdigest()


@cache
def platform() -> dict[str, Any]:
    """Return what of NumPy, its BLAS and this processor can change a bit; other libraries' BLAS do not count."""
    facts = ("internal_api", "version", "architecture", "num_threads")
    blas = [
        tuple(library.get(fact) for fact in facts)
        for library in threadpool_info()
        if "numpy" in str(library.get("filepath"))
    ]
    return {"numpy": np.__version__, "blas": sorted(map(str, blas)), "simd": sorted(_simd())}


@cache
def platform_digest() -> str:
    """Return 16 hex digits over `platform()`; hosts that show the same ones may share a job."""
    return hashlib.sha256(json.dumps(platform(), sort_keys=True).encode()).hexdigest()[:16]


@cache
def code_version() -> str:
    """Return the version of dualtrain with a digest of all code that computes, so that no two codes share a plan.

    That is dualtrain's own modules and those of installed layers.
    """
    sources = sorted(path for pattern in COMPUTING for path in Path(__file__).parents[1].glob(pattern))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + installed_code()).hexdigest()[:12]
    return f"{__version__}+{digest}"


@cache
def installed_code() -> bytes:
    """Return the source code of all modules that installed layers come from, without running them."""
    points = sorted(entry_points(group=LAYERS), key=lambda point: point.name)
    return b"".join(f"{point.name}={point.value}\n".encode() + _source(point.module) for point in points)


def _source(module: str) -> bytes:
    try:
        spec = find_spec(module)
        return Path(spec.origin).read_bytes() if spec is not None and spec.origin else b""
    except (ImportError, OSError):
        return b""  # loading it later raises the error


def _simd() -> list[str]:
    config = np.show_config(mode="dicts")
    return list(config.get("SIMD Extensions", {}).get("found", [])) if config else []
