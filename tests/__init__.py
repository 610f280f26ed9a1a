"""The suite mirrors the package: ``tests/services`` is about ``django_phone_otp/services``, and so on."""
