"""Rows that hold secrets and have no page: django-otp registers its own."""

from django.contrib import admin
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

for model in (TOTPDevice, StaticDevice):
    admin.site.unregister(model)
