"""What every admin page of the desk shares: nothing about money is deleted, and facts are looked at, not changed."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

M = TypeVar("M", bound=models.Model)

if TYPE_CHECKING:

    class _Admin(admin.ModelAdmin[M]):
        pass

else:

    class _Admin(admin.ModelAdmin, Generic[M]):
        pass


class DeskAdmin(_Admin[M]):
    """Rows may be looked at and, where a subclass leaves fields writable, edited; never deleted."""

    list_per_page = 50
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """No action works on many rows at once."""
        return {}


class ReadOnlyAdmin(DeskAdmin[M]):
    """Rows that services write: no add, no change, no delete. The database refuses the append-only ones as well."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False
