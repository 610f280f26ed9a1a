import pytest
from django.contrib.auth.models import User


@pytest.fixture
def staff(client):
    """A client in which a superuser is logged in."""
    client.force_login(User.objects.create_superuser("root"), backend="django.contrib.auth.backends.ModelBackend")
    return client
