"""Vendors, by alias: ``backends["default"]`` is the backend that ``BACKENDS`` configures there."""

import logging
from collections.abc import Iterator, Mapping

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_phone_otp import conf
from django_phone_otp.backends.base import BaseBackend, InvalidBackend
from django_phone_otp.core.policies import BackendSettings

__all__ = ["BackendsHandler", "backends"]

logger = logging.getLogger("django_phone_otp")


class BackendsHandler:
    """Builds each alias once and keeps it, until the settings change."""

    def __init__(self) -> None:
        self._settings: Mapping[str, BackendSettings] = {}
        self._built: dict[str, BaseBackend] = {}
        self._broken: dict[str, str] = {}

    def __getitem__(self, alias: str) -> BaseBackend:
        """Return the backend for ``alias``. Raises ``InvalidBackend``, which names the alias."""
        configured = self._configured()
        if alias not in self._built:
            if alias not in configured:
                raise InvalidBackend(f"BACKENDS[{alias!r}]: there is no such alias")
            if alias in self._broken:
                raise InvalidBackend(self._broken[alias])
            try:
                self._built[alias] = self.build(alias, configured[alias])
            except InvalidBackend as problem:
                self._broken[alias] = str(problem)
                logger.error("%s", problem)
                raise
        return self._built[alias]

    def can_build(self, alias: str) -> bool:
        """Tell whether ``alias`` can be used; ``check`` and the log say why one cannot."""
        try:
            self[alias]
        except ImproperlyConfigured:  # a class of a project may raise Django's own
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._configured())

    def __contains__(self, alias: object) -> bool:
        return alias in self._configured()

    @staticmethod
    def build(alias: str, configured: BackendSettings) -> BaseBackend:
        """Return a new backend. Raises ``InvalidBackend``."""
        try:
            backend_class = import_string(configured.path)
        except (ImportError, ValueError) as problem:
            raise InvalidBackend(f"BACKENDS[{alias!r}]: cannot import {configured.path!r}: {problem}") from problem
        if not (isinstance(backend_class, type) and issubclass(backend_class, BaseBackend)):
            raise InvalidBackend(f"BACKENDS[{alias!r}]: {configured.path!r} is not a subclass of BaseBackend")
        try:
            return backend_class(alias=alias, **configured.options)
        except TypeError as problem:  # a required option is missing
            raise InvalidBackend(f"BACKENDS[{alias!r}]: {problem}") from problem

    def _configured(self) -> Mapping[str, BackendSettings]:
        configured = conf.current().backends
        if configured is not self._settings:
            self._settings, self._built, self._broken = configured, {}, {}
        return configured


backends = BackendsHandler()
