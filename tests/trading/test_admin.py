"""The admin shows every table, changes no fact, deletes nothing and renders no secret."""

from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models as django_models
from django.test import Client
from django.urls import reverse

from neuratrade.lib.admin import ReadOnlyAdmin
from tests.factories import AT, Desk
from tests.trading.services.test_ledger import book, make_fill, make_order, open_decision
from trading.models import Account, Credential, Instrument, Order, Posting
from trading.services.audit import append_only_models
from trading.types import Side

MODELS = list(apps.get_app_config("trading").get_models())
WRITABLE = {"venue", "account", "instrument", "operator"}


def _name(model: type[django_models.Model]) -> str:
    return model.__name__


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def booked(desk: Desk) -> Desk:
    decision = open_decision(desk)
    make_order(desk, name="buy", side=Side.BUY, decision=decision)
    make_order(desk, name="sell", side=Side.SELL, decision=decision)
    book(desk, make_fill(1, Side.BUY, "1", "100", order="buy", fee="0.1"))
    book(desk, make_fill(2, Side.SELL, "0.4", "110", order="sell", fee="0.05"))
    return desk


@pytest.mark.parametrize("model", MODELS, ids=_name)
def test_every_table_has_a_list_a_page_and_no_way_to_delete(
    client: Client, booked: Desk, model: type[django_models.Model]
) -> None:
    path = f"admin:trading_{model._meta.model_name}"
    assert client.get(reverse(f"{path}_changelist")).status_code == 200
    row = model._default_manager.first()
    if row is not None:
        page = reverse(f"{path}_change", args=[row.pk])
        assert client.get(page).status_code == 200
        assert client.post(reverse(f"{path}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    answer = client.post(
        reverse(f"{path}_changelist"), {"action": "delete_selected", "_selected_action": "1"}
    )
    assert "Are you sure" not in answer.content.decode()
    assert row is None or model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MODELS, ids=_name)
def test_only_settings_of_the_operator_can_be_edited(model: type[django_models.Model]) -> None:
    is_writable = not isinstance(admin.site.get_model_admin(model), ReadOnlyAdmin)
    assert is_writable == (model._meta.model_name in WRITABLE)


@pytest.mark.parametrize("model", [model for model in MODELS if model in append_only_models()], ids=_name)
def test_facts_take_no_add_and_no_change(
    client: Client, booked: Desk, model: type[django_models.Model]
) -> None:
    path = f"admin:trading_{model._meta.model_name}"
    assert client.post(reverse(f"{path}_add"), {}).status_code == 403
    row = model._default_manager.first()
    if row is not None:
        assert client.post(reverse(f"{path}_change", args=[row.pk]), {}).status_code == 403


def test_a_forged_form_changes_no_money(client: Client, booked: Desk) -> None:
    posting, order = Posting.objects.first(), Order.objects.first()
    assert posting is not None
    assert order is not None
    client.post(reverse("admin:trading_posting_change", args=[posting.pk]), {"amount": "999999"})
    client.post(reverse("admin:trading_order_change", args=[order.pk]), {"state": "filled", "size_base": "9"})
    assert Posting.objects.get(pk=posting.pk).amount == posting.amount
    assert Order.objects.get(pk=order.pk).size_base == order.size_base


def test_an_account_keeps_its_mode_and_key(client: Client, booked: Desk) -> None:
    account = booked.account()
    page = reverse("admin:trading_account_change", args=[account.pk])
    client.post(page, {"mode": "live", "is_enabled": ""})
    fresh = Account.objects.get(pk=account.pk)
    assert (fresh.mode, fresh.is_enabled) == ("paper", False)


def test_only_the_watch_list_of_an_instrument_is_editable(client: Client, booked: Desk) -> None:
    instrument = booked.instrument()
    page = reverse("admin:trading_instrument_change", args=[instrument.pk])
    client.post(page, {"is_watched": "", "taker_fee_ratio": "0"})
    fresh = Instrument.objects.get(pk=instrument.pk)
    assert (fresh.is_watched, fresh.taker_fee_ratio) == (False, Decimal("0.001"))


def test_a_credential_shows_neither_key_nor_ciphertext(client: Client) -> None:
    sealed = b"SEALED-CIPHERTEXT-BYTES"
    row = Credential.objects.create(label="binance", sealed=sealed, created_at=AT)
    for page in (
        reverse("admin:trading_credential_changelist"),
        reverse("admin:trading_credential_change", args=[row.pk]),
    ):
        body = client.get(page).content
        assert b"binance" in body
        assert sealed not in body
        assert sealed.hex().encode() not in body


def test_strangers_see_the_login(booked: Desk) -> None:
    answer = Client().get(reverse("admin:trading_order_changelist"))
    assert answer.status_code == 302
    assert "/admin/login/" in answer.headers["Location"]


def test_the_header_names_the_desk(client: Client) -> None:
    assert b"NeuraTrade" in client.get(reverse("admin:index")).content


def test_a_freeze_is_not_cleared_without_an_event(client: Client, desk: Desk) -> None:
    Account.objects.filter(pk=desk.account().pk).update(frozen_reason="order 7 is not ours")
    page = reverse("admin:trading_account_change", args=[desk.account().pk])

    answer = client.post(page, {"is_enabled": "on", "frozen_reason": ""})

    assert answer.status_code == 302
    assert Account.objects.get(pk=desk.account().pk).frozen_reason == "order 7 is not ours"
