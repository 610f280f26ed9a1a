"""The pages that need nothing of the project: ``path("phone/", include("django_phone_otp.html.urls"))``."""

from django.urls import path

from django_phone_otp.html.change import ChangeNumberView
from django_phone_otp.html.login import LoginView
from django_phone_otp.html.stepup import ConfirmView

app_name = "phone_otp_pages"

urlpatterns = [
    path("login/", LoginView.as_view(), name="login"),
    path("number/", ChangeNumberView.as_view(), name="number"),
    path("confirm/", ConfirmView.as_view(), name="confirm"),
]
