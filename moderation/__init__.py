"""The staff's workplace: the admin site and its pages, roles, the audit log."""
