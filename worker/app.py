"""The Celery application, started by `celery -A dualtrain.worker.app worker`. Each setting has its reason beside it."""

import os

from celery import Celery
from celery.signals import setup_logging
from kombu.entity import Queue

from dualtrain.core.settings import Settings

settings = Settings()
os.environ |= settings.arithmetic()  # before NumPy, which comes with the modules below

from dualtrain.core.store.broker import QUEUE, QUEUE_TYPE, TASK, is_redis, transport_options  # noqa: E402
from dualtrain.worker import signals, transport  # noqa: E402
from dualtrain.worker.pool_maintenance import Upkeep  # noqa: E402

transport.register()
on_redis = is_redis(settings.celery_broker_url)
unacknowledged = {"Request": "dualtrain.worker.requests:Unacknowledged"} if on_redis else {}
app = Celery("dualtrain", broker=settings.celery_broker_url, include=["dualtrain.worker.tasks"])
app.conf.update(
    # What stands in a message is data: nothing can be unpickled.
    task_serializer="json",
    accept_content=["json"],
    # Rows go back through a Redis list: `get()` on a group naps half a second, and results would be kept for a day.
    task_ignore_result=True,
    result_backend=None,
    # The aggregator sends again what is missing. A broker that redelivers too would only bring duplicates, and
    # requeueing the task of a killed process has no bound.
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    # A reserved shard waits behind a busy process while another one idles. On Redis none is reserved at all.
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=on_redis,
    # Nothing is acknowledged on Redis: it would cost two round trips a shard, and after the server was lost a worker
    # whose reserved messages can no longer be acknowledged waits for ever (kombu logs the failure and keeps them).
    task_queues=[Queue(QUEUE, routing_key=QUEUE, no_ack=True)] if on_redis else None,
    task_annotations={TASK: {"Strategy": "dualtrain.worker.requests:strategy"} | unacknowledged},
    # How long the parent waits for the result of a process that is gone before it calls it lost; the default is 10 s.
    worker_lost_wait=0.2,
    # On SIGTERM running shards may end; the supervisor kills those that take too long; the aggregator sends them again.
    # On SIGQUIT they have this many seconds, which Celery waits out even when they end at once.
    worker_soft_shutdown_timeout=5,
    # A net under memory leaks (KiB), below the kernel's limit: the process is replaced after the shard that passed it.
    worker_max_memory_per_child=settings.max_worker_memory // 1024,
    # The broker may be away for as long as it likes.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=4,
    broker_transport_options=transport_options(settings.celery_broker_url),
    # Nothing listens to these.
    worker_send_task_events=False,
    task_send_sent_event=False,
    # One queue; no other worker's remote control is needed, and its queues would cost round trips.
    task_default_queue=QUEUE,
    task_default_queue_type=QUEUE_TYPE,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
)
app.steps["worker"].add(Upkeep)
setup_logging.connect(signals.log)
signals.connect_signals()
