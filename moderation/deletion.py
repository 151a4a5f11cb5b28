"""What the admin says before it deletes: how much of what, not each row.

Django's own page nests every row under the one that it hangs on. Messages hang on each other: a
conversation of a thousand is nested deeper than Python can go.
"""

from collections import Counter
from itertools import islice
from typing import Any

from django.contrib.admin import AdminSite
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from django.db.models.deletion import Collector
from django.http import HttpRequest

_NAMED_MAX = 100


class CountedDeletion:
    """Part of a ModelAdmin whose rows have many others hanging on them."""

    admin_site: AdminSite

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Names, counts by model, the rights that are missing, and what forbids it: nothing."""
        counts = _count(self.objects_with(objs))
        missing = {
            str(model._meta.verbose_name)
            for model in counts
            if self.admin_site.is_registered(model)
            and not self.admin_site.get_model_admin(model).has_delete_permission(request)
        }
        by_name = {str(model._meta.verbose_name_plural): n for model, n in counts.items()}
        return [str(row) for row in islice(objs, _NAMED_MAX)], by_name, missing, []

    def objects_with(self, objs: Any) -> Any:
        """The rows to delete, with those of the same model that go with them."""
        return objs


def _count(objs: Any) -> Counter[type[Model]]:
    collector = Collector(using=DEFAULT_DB_ALIAS, origin=objs)
    collector.collect(objs)
    counts: Counter[type[Model]] = Counter()
    for model, rows in collector.data.items():
        counts[model] += len(rows)
    for fast in collector.fast_deletes:
        counts[fast.model] += fast.count()
    return +counts  # without those of which there are none
