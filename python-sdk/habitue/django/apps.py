"""What Django is told of the app."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest


class HabitueConfig(AppConfig):
    name = "habitue.django"
    label = "habitue"
    verbose_name = "Habitue"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in, user_logged_out

        user_logged_in.connect(_logged_in, dispatch_uid="habitue")
        user_logged_out.connect(_logged_out, dispatch_uid="habitue")


def _logged_in(request: HttpRequest | None, user: Any, **_: object) -> None:
    """This device is this user's."""
    from habitue.django.conf import get_client, setting
    from habitue.visit import current_visit

    if request is not None and current_visit() is not None and setting("IDENTIFY", True):
        get_client().identify(user.pk)


def _logged_out(request: HttpRequest | None, **_: object) -> None:
    """The next person at this device is somebody else."""
    from habitue.visit import current_visit

    visit = current_visit()
    if visit is not None:
        visit.logout()
