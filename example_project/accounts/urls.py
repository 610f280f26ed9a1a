"""URLs of the accounts' JSON views."""

from django.urls import path

from example_project.accounts import views

urlpatterns = [
    path("accounts/signup/", views.signup, name="json_signup"),
    path("accounts/login/", views.log_in, name="json_login"),
]
