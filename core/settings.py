"""The settings of every process, from the environment: `DUALTRAIN_REDIS_URL`, `DUALTRAIN_PORT`, ..."""

import platform
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dualtrain.core.runtime.hosts import is_loopback

SOCKET_URL = "unix://"
ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
"""The workers are the parallelism, and with another number of threads BLAS gives other last bits."""
OLDEST_SERVER = (7, 0)
"""The first Redis, or Valkey, that has what store and exchange use (`BLMPOP`, `EXPIRE ... GT`)."""
STORE_OPTIONS = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
"""How the store's server must be set: every write is on disk before it answers, and nothing is evicted."""
PORTABLE = {
    "x86_64": {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR"},
    "aarch64": {"OPENBLAS_CORETYPE": "ARMV8"},
}
"""What pins BLAS kernel and NumPy's SIMD features, by machine: on x86 to those of 2013, which every server has."""


def _given(value: Any) -> Any:
    """Return None for an empty text, which is how files of variables unset one."""
    return None if value == "" else value


def _names(value: Any) -> Any:
    """Return the entries of a comma-separated text; anything else as it is."""
    return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value


class Settings(BaseSettings):
    """Settings of the operator. Read once by each entry point, never at import."""

    model_config = SettingsConfigDict(env_prefix="DUALTRAIN_", frozen=True, extra="ignore")

    redis_url: str = "redis://127.0.0.1:6379/0"
    """The store: jobs, checkpoints, events. `redis://`, `rediss://` or `unix://`."""
    exchange_url: str = Field(default_factory=lambda data: data["redis_url"])
    """The exchange: parameters, rows, heartbeats; may be lost at any time."""
    broker_url: str = Field(default_factory=lambda data: data["exchange_url"])
    """Celery's queue: Redis or RabbitMQ."""
    api_keys_file: Annotated[Path | None, BeforeValidator(_given)] = None
    """Names, sha256 and scopes of the API keys; needed on every address beyond loopback."""
    host: str = "127.0.0.1"
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = ()
    """Names that requests may give as host besides localhost, addresses and `host`; separated by commas, `*`: all."""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = ("127.0.0.1", "::1")
    """Addresses or networks of proxies whose `X-Forwarded-Proto` and `-For` are believed; separated by commas."""
    webhook_secret: Annotated[SecretStr | None, BeforeValidator(_given)] = None
    """Signs webhooks (HMAC-SHA256); without it no job may have a `webhook_url`."""
    webhook_private: bool = False
    """Whether webhooks may go to private and loopback addresses."""
    port: int = Field(default=8000, ge=0, le=65535)
    data_dir: Path = Path("dualtrain-data")
    """Data sets, their decoded forms, and the files of the servers that `dualtrain up` starts."""
    hub_datasets: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = (
        "ylecun/mnist",
        "zalando-datasets/fashion_mnist",
    )
    """Names on the Hugging Face hub that a job may ask for, separated by commas."""
    concurrent_jobs: int = Field(default=8, ge=1)
    """Jobs that one aggregator runs at the same time: their rounds take turns on the workers."""
    max_waiting_jobs: int = Field(default=2000, ge=1)
    max_blocks: int = Field(default=100_000, ge=1)
    """Blocks of a batch that a job may have."""
    max_worker_memory: int = Field(default=2 * 2**30, ge=2**28)
    """Bytes of memory that a worker process may need for a job."""
    max_aggregator_memory: int = Field(default=2**30, ge=2**28)
    """Bytes of memory that the aggregator may need for a job."""
    max_round_bytes: int = Field(default=512 * 2**20, ge=2**20)
    """Bytes that a round of a job may move through the exchange."""
    max_checkpoint_bytes: int = Field(default=2 * 2**30, ge=2**20)
    """Bytes of checkpoints that one job may keep in the store."""
    max_unit_seconds: float = Field(default=300.0, gt=0)
    """Seconds that one worker may be busy without a break, by a cautious estimate."""
    workers: Annotated[int | None, BeforeValidator(_given)] = Field(default=None, ge=1)
    """Worker processes of `dualtrain up`; None: one for each processor."""
    numerics: Literal["native", "portable"] = "native"
    """`portable` pins BLAS kernel and SIMD features, so that unlike hosts compute the same bits."""

    def __init__(self, **chosen: Any) -> None:
        """Take what is not chosen here from the environment. Raises ValueError with each variable that is wrong."""
        try:
            super().__init__(**chosen)
        except ValidationError as error:
            wrong = (f"{_variable(fault['loc'])} is {fault['input']!r}: {fault['msg']}" for fault in error.errors())
            raise ValueError("\n".join(wrong)) from None

    def environment(self) -> dict[str, str]:
        """Return the variables that give another process these settings, and let it compute as they say."""
        given = {name: value for name, value in self.model_dump().items() if value is not None}
        return {_variable((name,)): _text(value) for name, value in given.items()} | self.arithmetic()

    def arithmetic(self) -> dict[str, str]:
        """Return the variables that decide how NumPy computes. They count only for a NumPy imported afterwards."""
        return ONE_THREAD | (PORTABLE.get(platform.machine(), {}) if self.numerics == "portable" else {})

    def refuse_strangers(self) -> None:
        """Raise ValueError when others can reach the address and no keys keep them out, or the keys are not there."""
        file = self.api_keys_file
        if file is not None and not file.is_file():
            raise ValueError(
                f"DUALTRAIN_API_KEYS_FILE is {str(file)!r}, where there is no file: "
                f"`python -m dualtrain.api.security {file} NAME` makes it, with a first key"
            )
        if self.api_keys_file is None and not is_loopback(self.host):
            raise ValueError(
                f"DUALTRAIN_HOST is {self.host!r}, which others can reach: set DUALTRAIN_API_KEYS_FILE "
                "(`python -m dualtrain.api.security FILE NAME` makes one), or listen on 127.0.0.1"
            )

    @property
    def celery_broker_url(self) -> str:
        """`broker_url` in Celery's spelling: a Unix socket is `redis+socket://`, its database a `virtual_host`.

        With TLS the server's certificate is checked unless the URL says otherwise: Celery would take any.
        """
        if self.broker_url.startswith("rediss://") and "ssl_cert_reqs=" not in self.broker_url:
            return f"{self.broker_url}{'&' if '?' in self.broker_url else '?'}ssl_cert_reqs=required"
        if not self.broker_url.startswith(SOCKET_URL):
            return self.broker_url
        path, _, query = self.broker_url.removeprefix(SOCKET_URL).partition("?")
        return f"redis+socket://{path}" + (f"?{query.replace('db=', 'virtual_host=')}" if query else "")


def _variable(place: tuple[str | int, ...]) -> str:
    return f"DUALTRAIN_{str(place[0]).upper()}"


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(value) if isinstance(value, tuple) else str(value)
