"""Members of staff, by what they may do."""

from django.contrib.auth.models import Permission, User


def log_in_as(client, account, permissions):
    """Log a member of staff in who has ``permissions``, by codename; ``superuser`` has all of them."""
    user = User.objects.create_user(account, is_staff=True, is_superuser=account == "superuser")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
