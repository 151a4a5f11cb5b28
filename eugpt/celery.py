"""The Celery application. Its options are the CELERY_* names of the Django settings."""

import os
import warnings

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import (
    beat_init,
    before_task_publish,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
)

from eugpt.leave import leave_watch
from eugpt.logs import celery_speaks_here
from eugpt.metrics.roles import PulseStep
from eugpt.observe import observe_start
from eugpt.request_ids import task_begins, task_ended, task_sent
from eugpt.wake import WakeStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eugpt.settings")

# In containers and on bare machines root is the only user; eight lines a worker say so.
warnings.filterwarnings("ignore", category=SecurityWarning)


# Django's LOGGING is all there is: Celery's own would say more at DEBUG than anybody may read.
setup_logging.connect(lambda **_: None, weak=False)
worker_init.connect(celery_speaks_here)
worker_init.connect(observe_start)
worker_init.connect(leave_watch)
beat_init.connect(observe_start)
beat_init.connect(leave_watch)
before_task_publish.connect(task_sent)
task_prerun.connect(task_begins)
task_postrun.connect(task_ended)

app = Celery("eugpt", amqp="eugpt.broker:Amqp")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].update((WakeStep, PulseStep))
