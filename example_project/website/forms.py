"""What an account needs besides its number."""

from typing import Any

from django import forms
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _


class DetailsForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's own class takes none
    """A name, and a password for those who want one: without it, codes are the only way in."""

    password = forms.CharField(
        label=_("Password"),
        help_text=_("You may leave it empty, and log in with codes alone."),
        required=False,
        strip=False,
        validators=[validate_password],
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields = ("username",)
        field_classes = {"username": UsernameField}

    def save(self, commit: bool = True) -> Any:
        """Save the user, with a password or without one."""
        user = super().save(commit=False)
        user.set_password(self.cleaned_data["password"] or None)
        if commit:
            user.save()
        return user
