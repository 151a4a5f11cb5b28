"""The admin site under EuGPT's name."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig


class EuGPTAdminSite(AdminSite):
    site_header = "EuGPT"
    site_title = "EuGPT admin"
    index_title = "Administration"


class EuGPTAdminConfig(AdminConfig):
    default_site = "eugpt.admin_site.EuGPTAdminSite"
