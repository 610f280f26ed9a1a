"""URLs of the example project."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("example_project.website.urls")),
    path("", include("example_project.accounts.urls")),
    path("api/phone/", include("django_phone_otp.api.urls")),
    path("phone/", include("django_phone_otp.urls")),
    path("admin/", admin.site.urls),
]
