"""URLs of the test suite: those of the example project."""

from example_project.urls import urlpatterns

__all__ = ["urlpatterns"]
