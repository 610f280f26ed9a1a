"""Narrow windows, large text, other directions, other colors."""

import pytest

from tests.html.browser import PHONE, every_state, fits, give_code, give_number, wrong_code

pytestmark = pytest.mark.django_db(transaction=True)


def test_in_german_too_nothing_stands_out_of_a_narrow_window(visit, settings):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    settings.DEBUG = True  # or the inbox is not there
    page = visit("/signup/", locale="de-DE", viewport={"width": 320, "height": 640})
    assert page.locator("html").get_attribute("lang") == "de"
    assert [name for name in every_state(page) if not fits(page)] == []


@pytest.mark.parametrize("larger", ["zoom = '2'", "fontSize = '200%'"], ids=["zoom", "text"])
def test_at_twice_the_size_everything_is_there_and_fits(visit, larger):
    page = visit("/signup/", viewport={"width": 640, "height": 640})
    for step in (lambda: None, lambda: give_number(page), lambda: give_code(page, wrong_code())):
        step()
        page.evaluate(f"document.documentElement.style.{larger}")
        assert fits(page)
        cut = "(all) => all.filter((it) => it.scrollWidth > it.clientWidth && it.clientWidth > 0).map((it) => it.outerHTML)"
        assert page.locator("main :is(button, a, p, h1, label)").evaluate_all(cut) == []


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
    # The plus stands before the digits, also where it would not by the text around it.
    assert number.evaluate("(bdi) => getComputedStyle(bdi).unicodeBidi") == "isolate"


@pytest.mark.parametrize(
    "wishes",
    [{"forced_colors": "active"}, {"reduced_motion": "reduce"}, {"contrast": "more"}, {"color_scheme": "dark"}],
    ids=str,
)
def test_the_pages_heed_what_the_person_set(visit, wishes):
    page = visit("/signup/", **wishes)
    for step in (lambda: None, lambda: give_number(page), lambda: give_code(page, wrong_code())):
        step()
        button = page.locator("button.main")
        look = button.evaluate("(it) => { const s = getComputedStyle(it); return [s.color, s.backgroundColor]; }")
        assert look[0] != look[1]
        border = (
            page.locator("main form")
            .first.locator("input:not([type=hidden])")
            .first.evaluate(
                "(it) => { const s = getComputedStyle(it); return [s.borderStyle, s.borderColor, s.backgroundColor]; }"
            )
        )
        assert border[0] == "solid"
        assert border[1] != border[2]
        moving = page.evaluate("document.getAnimations().length")
        assert moving == 0
