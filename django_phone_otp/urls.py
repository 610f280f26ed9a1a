"""What a project mounts beside the API: ``path("phone/", include("django_phone_otp.urls"))``."""

from django.urls import path

from django_phone_otp import webhooks
from django_phone_otp.html import inbox

app_name = "phone_otp"

urlpatterns = [
    path("webhooks/<str:alias>/<str:secret>/", webhooks.receive, name="webhook"),
    # A redirect to the one above would lose the receipt, and a 404 would log the secret.
    path("webhooks/<str:alias>/<str:secret>", webhooks.receive),
    # Both answer 404 outside DEBUG. They are always listed, since DEBUG is asked at each request.
    path("inbox/", inbox.inbox_page, name="inbox"),
    path("inbox.json", inbox.inbox_json, name="inbox_json"),
]
