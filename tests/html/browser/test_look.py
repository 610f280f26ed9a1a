"""Narrow windows, large text, other directions, other colors."""

import pytest

from tests.html.browser import PHONE, every_state, fits, give_code, give_number, wrong_code

pytestmark = pytest.mark.django_db(transaction=True)

CUT_OFF = "(all) => all.filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.outerHTML)"

PLACES = """(it) => [...it.textContent].map((_, at) => {
    const range = document.createRange();
    range.setStart(it.firstChild, at);
    range.setEnd(it.firstChild, at + 1);
    return range.getBoundingClientRect().left;
})"""


def test_in_german_too_nothing_stands_out_of_a_narrow_window(visit, settings):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    settings.DEBUG = True  # or the inbox is not there
    page = visit("/signup/", locale="de-DE", viewport={"width": 320, "height": 640})
    assert page.locator("html").get_attribute("lang") == "de"
    assert [name for name in every_state(page) if not fits(page)] == []


def test_at_twice_the_size_everything_is_there_and_fits(visit):
    page = visit("/signup/", viewport={"width": 640, "height": 640})
    for step in (lambda: None, lambda: give_number(page), lambda: give_code(page, wrong_code())):
        step()
        for larger, usual in (("zoom = '2'", "zoom = ''"), ("fontSize = '200%'", "fontSize = ''")):
            page.evaluate(f"document.documentElement.style.{larger}")
            assert fits(page)
            assert page.locator("main :is(button, p, h1, label)").evaluate_all(CUT_OFF) == []
            page.evaluate(f"document.documentElement.style.{usual}")


def test_from_right_to_left_numbers_and_codes_stay_left_to_right(visit):
    page = visit("/signup/", locale="ar")
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert page.locator("html").get_attribute("lang") == "ar"
    assert page.locator("h1").evaluate("(h1) => getComputedStyle(h1).direction") == "rtl"
    for field, step in (("phone", lambda: give_number(page)), ("code", lambda: give_code(page, wrong_code()))):
        direction = page.locator(f"[name={field}]").evaluate("(field) => getComputedStyle(field).direction")
        assert direction == "ltr"
        step()
    number = page.locator("bdi").first
    assert number.inner_text() == PHONE
    places = number.evaluate(PLACES)
    assert places == sorted(places)  # the plus stands before the digits, and not behind them


WISHES = ({"forced_colors": "active"}, {"reduced_motion": "reduce"}, {"contrast": "more"}, {"color_scheme": "dark"})
COLORS = """(it) => {
    const style = getComputedStyle(it);
    return [style.color, style.backgroundColor, style.borderColor, style.borderStyle];
}"""


def test_the_pages_stay_readable_with_the_colors_and_the_calm_that_the_person_set(visit):
    page = visit("/signup/", as_new=True)
    for step in (lambda: None, lambda: give_number(page), lambda: give_code(page, wrong_code())):
        step()
        for wish in WISHES:
            page.emulate_media(**{name: "null" for other in WISHES for name in other} | wish)
            ink, paper, *_ = page.locator("button.main").evaluate(COLORS)
            assert ink != paper
            ink, paper, line, style = page.locator("main [autofocus]").evaluate(COLORS)
            assert style == "solid"
            assert paper not in {ink, line}
            assert page.evaluate("document.getAnimations().length") == 0
