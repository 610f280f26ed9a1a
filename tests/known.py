"""Browsers that are known for a number, as requests for the services."""

from django.http import HttpResponse

from django_phone_otp.services.askers import COOKIE, remember_browser


def cookie_for(request, number):
    """Return the cookie that ``request``'s browser gets for a right code to ``number``."""
    response = HttpResponse()
    remember_browser(request, response, number)
    return response.cookies[COOKIE].value


def known_request(rf, number, **changes):
    """Return a request of a browser that verified ``number``."""
    request = rf.post("/", **changes)
    request.COOKIES[COOKIE] = cookie_for(request, number)
    return request
