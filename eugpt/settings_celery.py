"""The CELERY_* settings: broker, queues, how a worker takes tasks, and the schedule."""

from datetime import timedelta

from eugpt.config import config_load
from eugpt.settings_network import ANSWER_S, REDIS_SOCKET, broker_tls

CONFIG = config_load()

CELERY_BROKER_URL = CONFIG.redis_url
CELERY_BROKER_USE_SSL = broker_tls(CONFIG.redis_url)
CELERY_BROKER_TRANSPORT = "eugpt.broker:Transport"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # one a second, however long the network is away
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 3,
    "socket_timeout": ANSWER_S,  # a worker's BRPOP comes back every second
    **REDIS_SOCKET,
}
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"chat.tasks.run_generation": {"queue": "generate"}}
# Early ack: the claim in the database and the reaper make a task safe, not the broker.
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 2,
    "interval_start": 0.0,
    "interval_step": 0.2,
    "interval_max": 0.4,
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# What waits, waits in the broker: prefetched tasks would be lost with their worker for 10 s.
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
# For Flower; ids and names of tasks only, but three messages for each task that nobody else reads.
CELERY_WORKER_SEND_TASK_EVENTS = CONFIG.task_events
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(CONFIG.var_dir / "celerybeat-schedule")
# None of these expires: that would be by the sender's clock, and a consumer on another machine,
# a few seconds ahead, would throw them all away. All of them may run late, or twice.
CELERY_BEAT_SCHEDULE = {
    "reap": {
        "task": "chat.tasks.reap_generations",
        "schedule": 1.0,
    },
    "lift-suspensions": {
        "task": "accounts.tasks.lift_suspensions",
        "schedule": timedelta(minutes=1),
    },
    "prune": {"task": "accounts.tasks.prune", "schedule": timedelta(hours=1)},
}
