"""Vendors that carry registered texts: which template a message takes, and whether its words are the same."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from django_phone_otp import conf
from django_phone_otp.backends.base import Message, MessageRejected
from django_phone_otp.backends.http import HTTPBackend
from django_phone_otp.conf import unknown
from django_phone_otp.core.registered import ANY, RegisteredTemplate

KEYS_OF_A_NAME = ("id", "purposes", "languages")  # where the vendor words the message, and only must know which
KEYS = (*KEYS_OF_A_NAME, "text", "variables")
VARIABLES = ("code", "app_name", "minutes", "reference")  # and the fields of a context
DLT_PREFIX = "+91"  # in India every text must be registered (TRAI's regulations of 2018, "DLT")


class TemplatedBackend(HTTPBackend):
    """An HTTP backend with the option ``templates``: a list of dicts, of which the first that matches is taken."""

    template_id_form: ClassVar[re.Pattern[str]] = re.compile(r"[0-9]{12,30}", re.ASCII)  # as India's DLT gives them out
    template_id_words: ClassVar[str] = "12 to 30 digits, as text"
    needs_template_text: ClassVar[bool] = True  # the text is sent, and so must be known

    def __init__(self, *, alias: str, templates: Any = (), **options: Any) -> None:
        super().__init__(alias=alias, **options)
        if not isinstance(templates, list | tuple):
            raise self.invalid("templates must be a list of dicts")
        self.templates = tuple(self._template(entry, f"templates[{at}]") for at, entry in enumerate(templates))

    def template_for(self, message: Message) -> RegisteredTemplate | None:
        """Return the registered template of ``message``, or None."""
        if message.channel != "sms":
            return None
        found = (template for template in self.templates if template.is_for(message.purpose, message.language))
        return next(found, None)

    def worded(self, message: Message) -> Message:
        """Return ``message`` in the words of its template.

        With ``variables`` the registered text is filled in. Without, the message's own text must be
        the registered one. Raises ``MessageRejected`` when the text would be dropped on its way.
        """
        if not self.sends_text:
            return message
        template = self.template_for(message)
        if template is None:
            if self.templates and message.channel == "sms" and message.number.startswith(DLT_PREFIX):
                raise MessageRejected("no registered template is for this purpose and language")
            return message
        if not template.text:
            return replace(message, text="")  # the vendor's own copy is what arrives
        text = template.fill(message.variables) if template.variables else message.text
        if not template.matches(text):
            raise MessageRejected("the text is not that of its registered template")
        return replace(message, text=text)

    def _template(self, entry: Any, where: str) -> RegisteredTemplate:
        if not isinstance(entry, Mapping):
            raise self.invalid(f"{where} must be a dict")
        keys = KEYS if self.sends_text else KEYS_OF_A_NAME
        for key in entry:
            if key not in keys:
                raise self.invalid(f"{where}: {key!r} is {unknown(key, keys)}")
        template_id, text = entry.get("id"), entry.get("text", "")
        if not (isinstance(template_id, str) and self.template_id_form.fullmatch(template_id)):
            raise self.invalid(f"{where}: id must be {self.template_id_words}")
        if not isinstance(text, str):
            raise self.invalid(f"{where}: text must be text")
        template = RegisteredTemplate(
            id=template_id,
            text=text,
            variables=self._names(entry, "variables", where),
            purposes=frozenset(self._names(entry, "purposes", where)) - {ANY},
            languages=frozenset(name.lower() for name in self._names(entry, "languages", where)) - {ANY},
        )
        self._check_words(template, where)
        return template

    def _check_words(self, template: RegisteredTemplate, where: str) -> None:
        if not template.text and self.needs_template_text:
            raise self.invalid(f"{where}: text must be the registered text, with {{#var#}} for each value")
        fields = (field for purpose in conf.current().purposes.values() for field in purpose.context)
        known = (*VARIABLES, *fields)
        for name in template.variables:
            if name not in known:
                raise self.invalid(f"{where}: the variable {name!r} is {unknown(name, known)}")
        count = template.count_variables()
        if template.text and template.variables and count != len(template.variables):
            raise self.invalid(f"{where}: the text takes {count} values, and variables names {len(template.variables)}")

    def _names(self, entry: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        names = entry.get(key, ())
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
            raise self.invalid(f"{where}: {key} must be a list of names")
        return tuple(names)
