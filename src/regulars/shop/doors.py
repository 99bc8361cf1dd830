"""What the door remembers: who is signed in where, and what a person has besides her password."""

from __future__ import annotations

from typing import Any

from django.db import models

from regulars.shop.models import SealedTextField, Staff
from regulars.shop.rules.doors import device_words
from regulars.shop.words import Words


class Authenticator(models.Model):
    """An app that shows a new code every half minute. `last_step`: the half minute whose code was used last, so that
    each code opens once."""

    staff = models.OneToOneField(Staff, on_delete=models.CASCADE, related_name="authenticator")
    secret = SealedTextField()
    last_step = models.BigIntegerField(default=0)
    made_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)


class Passkey(models.Model):
    """A key that never leaves its device. `signs` is the device's own count, 0 where it keeps none."""

    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=60)
    credential = models.CharField(max_length=1400, unique=True)  # base64url, as the browser says it
    public_key = models.BinaryField()
    signs = models.BigIntegerField(default=0)
    transports = models.JSONField(default=list)
    made_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)


class RecoveryCode(models.Model):
    """A code on paper for the day when the phone is lost. Only its keyed digest is kept; it opens once."""

    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=32)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["staff", "digest"], name="shop_recovery_once")]


class Pin(models.Model):
    """Six figures for a phone that lies in the shop, hashed as a password is."""

    staff = models.OneToOneField(Staff, on_delete=models.CASCADE, related_name="pin")
    hashed = models.CharField(max_length=128)
    set_at = models.DateTimeField(auto_now=True)


class Login(models.Model):
    """One person signed in on one device. `session` is the mark under which the session stands in the store, not the key
    that the browser holds; `device` the mark of the device's own long-lived cookie. `is_news`: it came from a device
    that the person never used before, and she has not yet said that she knows it."""

    staff = models.ForeignKey(Staff, on_delete=models.CASCADE, related_name="logins")
    session = models.CharField(max_length=40, unique=True)
    device = models.CharField(max_length=32, blank=True)
    kind = models.CharField(max_length=40)
    address = models.CharField(max_length=45, blank=True)  # masked
    how = models.CharField(max_length=20, blank=True)
    came_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    is_news = models.BooleanField(default=False)
    is_shared = models.BooleanField(default=False)
    is_locked = models.BooleanField(default=False)
    pin_tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["staff", "device"], name="shop_login_device")]

    @property
    def device_words(self) -> Words:
        return device_words(self.kind)


def has_second_factor(staff: Any) -> bool:
    """Whether a password alone does not let anybody in as this person."""
    return Authenticator.objects.filter(staff=staff).exists() or Passkey.objects.filter(staff=staff).exists()
