"""What workers know of a job: told before its rounds, and again before they could forget it."""

import math
import time
from dataclasses import dataclass

from dualtrain.core.store import EXPIRES_SECONDS, Brief, Exchange


@dataclass
class Briefing:
    """The brief of a job on the exchange, where it expires and may be lost."""

    exchange: Exchange
    job_id: str
    brief: Brief
    told_at: float = -math.inf

    def tell(self, *, anew: bool) -> None:
        """Tell workers what the job is, if it is to be told `anew` or would expire soon."""
        if anew or time.monotonic() - self.told_at > EXPIRES_SECONDS / 2:
            self.exchange.brief(self.job_id, self.brief)
            self.told_at = time.monotonic()
