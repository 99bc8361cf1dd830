"""Sessions stand in the store under a mark of their key: a copy of the store opens nobody's session."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from regulars.shop.doors_actions import session_mark


class SessionStore(db.SessionStore):
    """Django's own store, with `session_mark(key)` written wherever it writes the key."""

    @staticmethod
    def mark(key: str) -> str:
        return session_mark(key)

    def _get_session_from_db(self) -> Session | None:
        key = self.session_key
        found = (
            key and Session.objects.filter(session_key=self.mark(key), expire_date__gt=timezone.now()).first()
        )
        if not found:
            self._session_key = None  # nobody brings a key of her own choice
            return None
        return found

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=self.mark(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        made = super().create_model_instance(data)
        made.session_key = self.mark(made.session_key)
        return made

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            Session.objects.filter(session_key=self.mark(key)).delete()


class MemberSessions(SessionStore):
    """The sessions of members, under marks of their own: a key of one kind opens nothing of the other."""

    @staticmethod
    def mark(key: str) -> str:
        return session_mark(f"member {key}")
