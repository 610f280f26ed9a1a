"""The five calls. All POST; handles and numbers never stand in a URL, where logs would keep them."""

from django.urls import path

from django_phone_otp.api import views

app_name = "phone_otp_api"

urlpatterns = [
    path("send/", views.SendView.as_view(), name="send"),
    path("resend/", views.ResendView.as_view(), name="resend"),
    path("status/", views.StatusView.as_view(), name="status"),
    path("verify/", views.VerifyView.as_view(), name="verify"),
    path("cancel/", views.CancelView.as_view(), name="cancel"),
]
