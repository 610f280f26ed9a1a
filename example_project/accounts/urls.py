"""URLs of the accounts."""

from django.urls import path

from example_project.accounts import views

urlpatterns = [
    path("", views.home, name="home"),
    path("accounts/signup/", views.signup, name="signup"),
    path("accounts/login/", views.log_in, name="login"),
]
