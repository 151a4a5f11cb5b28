"""The Celery application. Its options are the CELERY_* names of the Django settings."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eugpt.settings")

app = Celery("eugpt")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
