"""The Celery application. Its options are the CELERY_* names of the Django settings."""

import os
import warnings

from celery import Celery
from celery.exceptions import SecurityWarning

from eugpt.wake import WakeStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eugpt.settings")

# In containers and on bare machines root is the only user; eight lines a worker say so.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("eugpt")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(WakeStep)
