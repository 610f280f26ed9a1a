"""The pages of the site. Those that ask for numbers and codes come from the package."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

import django_phone_otp as phone_otp
from django_phone_otp.html import SignupView, verification_required
from example_project.website.forms import DetailsForm


def home(request: HttpRequest) -> HttpResponse:
    """Say what there is to try."""
    return render(request, "website/home.html")


def terminal(request: HttpRequest) -> HttpResponse:
    """Show the same with curl."""
    return render(request, "website/terminal.html", {"host": request.get_host()})


class Signup(SignupView):
    """Sign up with a number, then a name."""

    details_form_class = DetailsForm
    login_url = "login"
    next_page = "account"


@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Show the account."""
    return render(request, "website/account.html", {"numbers": phone_otp.numbers_of(request.user)})


@verification_required(minutes=5)
def vault(request: HttpRequest) -> HttpResponse:
    """Show what only a fresh code opens."""
    return render(request, "website/vault.html")
