"""JSON views that use a proof, for apps and single-page front ends."""

from django.contrib.auth import authenticate, login
from django.contrib.auth.models import User
from django.db import transaction
from rest_framework import status
from rest_framework.decorators import api_view, parser_classes
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from django_phone_otp.exceptions import NumberTaken
from django_phone_otp.services.phones import bind
from example_project.accounts.serializers import LoginSerializer, SignupSerializer

BACKEND = "django_phone_otp.auth.PhoneTokenBackend"


@api_view(["POST"])
@parser_classes([JSONParser])
def signup(request: Request) -> Response:
    """Make an account for a verified number, and log it in."""
    serializer = SignupSerializer(data=request.data)
    try:
        with transaction.atomic():  # the token too is spent only if all goes well
            serializer.is_valid(raise_exception=True)
            user = User.objects.create_user(serializer.validated_data["username"])
            bind(user, serializer.validated_data["phone_token"])
    except NumberTaken as refusal:
        raise ValidationError({"phone_token": [str(refusal)]}) from None
    login(request, user, backend=BACKEND)
    return Response({"username": user.username}, status=status.HTTP_201_CREATED)


@api_view(["POST"])
@parser_classes([JSONParser])
def log_in(request: Request) -> Response:
    """Log in whoever owns the verified number."""
    serializer = LoginSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    user = authenticate(request, phone_token=serializer.validated_data["phone_token"])
    if user is None:
        raise ValidationError({"phone_token": ["This proof is not valid. Verify the number again."]})
    login(request, user)
    return Response({"username": user.get_username()})
