"""Money columns that keep every digit.

Django's DecimalField is REAL on SQLite and loses digits; here it is text, and numeric on PostgreSQL. Floats are refused.
Sum and compare in Python: text does not sort as a number.
"""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

_ST = TypeVar("_ST", contravariant=True)
_GT = TypeVar("_GT", covariant=True)

if TYPE_CHECKING:
    _Field = models.Field
else:

    class _Field(models.Field, Generic[_ST, _GT]):
        pass


class ExactDecimalField(_Field[_ST, _GT]):
    # django-stubs reads these two and adds None where the column is nullable
    _pyi_private_set_type: Decimal | str | int
    _pyi_private_get_type: Decimal

    description = "A Decimal, stored exactly"

    def db_type(self, connection: Any) -> str:
        return "numeric" if connection.vendor == "postgresql" else "text"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value)

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        if isinstance(value, float):
            raise ValidationError(f"{value!r} is a float; money is Decimal or text")
        try:
            return Decimal(value)
        except (InvalidOperation, TypeError) as error:
            raise ValidationError(f"{value!r} is not a number") from error

    def get_prep_value(self, value: Any) -> Any:
        number = self.to_python(value)
        if number is not None and not number.is_finite():
            raise ValidationError(f"{number} cannot be stored as money")
        return None if number is None else _without_trailing_zeros(number)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        value = value if prepared else self.get_prep_value(value)
        if value is None or connection.vendor == "postgresql":
            return value
        return format(value, "f")

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else format(value, "f")

    def formfield(self, **kwargs: Any) -> Any:
        from django import forms

        return super().formfield(**{"form_class": forms.DecimalField, **kwargs})


def _without_trailing_zeros(value: Decimal) -> Decimal:
    """The same number in its shortest spelling. Exact, unlike `normalize()`, which rounds to the context's precision."""
    text = format(value, "f")
    return Decimal(text.rstrip("0").rstrip(".")) if "." in text else value
