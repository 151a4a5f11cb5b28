"""The Django project: configuration, routing and process entry points. No app imports it."""

from eugpt.celery import app as celery_app

__all__ = ["celery_app"]
