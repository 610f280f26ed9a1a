"""URLs of the website."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from django_phone_otp.html import LoginView
from example_project.website import views

urlpatterns = [
    path("", views.home, name="home"),
    path("signup/", views.Signup.as_view(), name="signup"),
    path("login/", LoginView.as_view(signup_url="signup", next_page="account"), name="login"),
    path("logout/", LogoutView.as_view(next_page="home"), name="logout"),
    path("account/", views.account, name="account"),
    path("vault/", views.vault, name="vault"),
    path("terminal/", views.terminal, name="terminal"),
    # The change of number, and the page that asks for a fresh code.
    path("phone/", include("django_phone_otp.html.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
