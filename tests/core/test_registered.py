import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from django_phone_otp.core import registered
from django_phone_otp.core.registered import RegisteredTemplate

# What each variable may hold, as TRAI's direction has it: the longest length, and the characters.
ON_A_LINE = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
VALUES = {
    "var": st.text(ON_A_LINE, min_size=1, max_size=30),
    "numeric": st.text("0123456789", min_size=1, max_size=40),
    "alphanumeric": st.text(ON_A_LINE, min_size=1, max_size=40),
    "url": st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=200),
    "urlott": st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=200),
    "cbn": st.text("0123456789 +-", min_size=1, max_size=40),
    "email": st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=100),
}
# Line breaks, as Python and Unicode know them, and other characters that nobody sees.
NO_VALUES = [f"1{sign}2" for sign in "\n\r\t\v\f\0\x1b\x1c\x1d\x1e\x1f\x7f\x85\u2028\u2029"]
LONGEST = {"var": 30, "numeric": 40, "alphanumeric": 40, "url": 200, "urlott": 200, "cbn": 40, "email": 100}
LITERALS = st.text(max_size=12).filter(lambda text: "{" not in text)


@st.composite
def filled(draw):
    """Give a template's pieces, literal and variable in turn, and a value for each variable."""
    tags = draw(st.lists(st.sampled_from([*VALUES]), max_size=4))
    literals = [draw(LITERALS) for _ in range(len(tags) + 1)]
    return literals, tags, [draw(VALUES[tag]) for tag in tags]


def joined(literals, parts):
    return "".join(part for pair in zip(literals, [*parts, ""], strict=True) for part in pair)


def template(literals, tags):
    names = tuple(f"v{position}" for position in range(len(tags)))
    return RegisteredTemplate(id="1", text=joined(literals, [f"{{#{tag}#}}" for tag in tags]), variables=names)


@given(filled())
def test_a_template_that_is_filled_in_with_values_that_fit_is_matched_by_its_text(made):
    literals, tags, values = made
    registered = template(literals, tags)
    text = registered.fill(dict(zip(registered.variables, values, strict=True)))
    assert text == joined(literals, values)
    assert registered.matches(text)
    assert registered.count_variables() == len(tags)


@given(filled(), st.data())
def test_a_text_with_a_letter_changed_outside_its_values_is_another(made, data):
    # Values of digits alone, and literals of letters: nothing can be both.
    literals, tags, _ = made
    literals = [re.sub("[^a-z]", "a", literal) + "z" for literal in literals]
    tags = ["numeric"] * len(tags)
    values = [data.draw(VALUES["numeric"]) for _ in tags]
    text = joined(literals, values)
    places = [at for at, character in enumerate(text) if character.isalpha()]
    at = data.draw(st.sampled_from(places))
    assert template(literals, tags).matches(text)
    changed = data.draw(st.sampled_from(["", "A", text[at] * 2, " "]))
    assert not template(literals, tags).matches(text[:at] + changed + text[at + 1 :])


@given(st.text(), st.text())
def test_without_variables_only_the_text_itself_matches(text, other):
    assume("{#" not in text)
    assert RegisteredTemplate(id="1", text=text).matches(text)
    assert RegisteredTemplate(id="1", text=text).matches(other) is (text == other)


@given(st.lists(st.sampled_from(["a", "b", "1", "{#var#}", "{#numeric#}"]), max_size=6), st.text("ab1", max_size=12))
def test_a_text_matches_exactly_when_a_regular_expression_says_so(pieces, text):
    kinds = {"{#var#}": "[^\n]{1,30}", "{#numeric#}": "[0-9]{1,40}"}
    pattern = "".join(kinds.get(piece, re.escape(piece)) for piece in pieces)
    assert RegisteredTemplate(id="1", text="".join(pieces)).matches(text) is bool(re.fullmatch(pattern, text))


@pytest.mark.parametrize("tag", LONGEST)
def test_a_value_has_one_character_at_least_and_so_many_at_most(tag):
    one = RegisteredTemplate(id="1", text=f"<{{#{tag}#}}>")
    longest = LONGEST[tag]
    assert [one.matches(f"<{'1' * length}>") for length in (0, 1, longest, longest + 1)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("tag", "fits", "does_not"),
    [
        ("var", ["a b", "कोड", "₹1-2"], NO_VALUES),
        ("numeric", ["007"], ["12a", "1 2", "१२", "1\n"]),
        ("alphanumeric", ["a-1 b", "कोड"], NO_VALUES),
        ("url", ["https://example.com/x?y#z"], ["example com", "a\n"]),
        ("urlott", ["example.com"], ["example com"]),
        ("cbn", ["+91 98765-43210"], ["98765x", "९"]),
        ("email", ["a@example.com"], ["a @example.com"]),
    ],
)
def test_a_value_has_the_characters_of_its_variable(tag, fits, does_not):
    one = RegisteredTemplate(id="1", text=f"Use {{#{tag}#}}")
    assert all(one.matches(f"Use {value}") for value in fits)
    assert not any(one.matches(f"Use {value}") for value in does_not)


def test_a_value_cannot_write_a_last_line_of_its_own():
    one = RegisteredTemplate(id="1", text="Pay {#var#} with {#numeric#}.", variables=("payee", "code"))
    assert one.matches(one.fill({"payee": "Shop", "code": "424242"}))
    assert not one.matches(one.fill({"payee": "Shop\n\n@evil.example #424242", "code": "424242"}))


@pytest.mark.parametrize("text", ["{#VAR#}", "{# var #}", "{#other#}", "{var}", "{#var", "#var#"])
def test_what_is_no_tag_is_text(text):
    assert RegisteredTemplate(id="1", text=text).count_variables() == 0
    assert RegisteredTemplate(id="1", text=text).matches(text)
    assert not RegisteredTemplate(id="1", text=text).matches("value")


def test_a_template_is_a_text_and_no_pattern():
    one = RegisteredTemplate(id="1", text=r"a.b*(c) \1 {#var#}", variables=("x",))
    assert one.matches(r"a.b*(c) \1 y")
    assert not one.matches(r"aXb*(c) \1 y")
    assert one.fill({"x": r"\1\g<0>"}) == r"a.b*(c) \1 \1\g<0>"


def test_a_value_is_never_filled_in_itself():
    two = RegisteredTemplate(id="1", text="{#var#} {#var#}", variables=("a", "b"))
    assert two.fill({"a": "{#var#}", "b": "x"}) == "{#var#} x"


def test_a_value_that_is_missing_is_empty_and_does_not_match():
    one = RegisteredTemplate(id="1", text="<{#var#}>", variables=("a",))
    assert one.fill({}) == "<>"
    assert one.values({"b": "x"}) == [""]
    assert not one.matches("<>")


@pytest.mark.parametrize(
    ("purposes", "languages", "purpose", "language", "is_for"),
    [
        (set(), set(), "signup", "hi-in", True),
        ({"signup"}, set(), "signup", "", True),
        ({"signup"}, set(), "login", "", False),
        (set(), {"hi"}, "signup", "HI-in", True),
        (set(), {"hi-in"}, "signup", "hi-IN", True),
        (set(), {"hi-in"}, "signup", "hi", False),
        (set(), {"hi"}, "signup", "", False),
        (set(), {"hi"}, "signup", "hin", False),
        ({"signup"}, {"en"}, "signup", "hi", False),
    ],
)
def test_a_template_is_for_its_purposes_and_languages(purposes, languages, purpose, language, is_for):
    one = RegisteredTemplate(id="1", purposes=frozenset(purposes), languages=frozenset(languages))
    assert one.is_for(purpose, language) is is_for


class CountedText(str):
    """Counts how often a piece of a template is looked for in it."""

    __slots__ = ()
    looked = 0

    def startswith(self, *where):
        CountedText.looked += 1
        return super().startswith(*where)


class CountedPattern:
    """Counts how often a character is judged."""

    judged = 0

    def __init__(self, pattern):
        self.pattern = pattern

    def match(self, *where):
        CountedPattern.judged += 1
        return self.pattern.match(*where)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{#var#}" * 20, "a" * 601),
        ("{#url#}" * 4 + "!", "a" * 700),
        ("{#alphanumeric#}a" * 20 + "b", "a" * 600),
        ("a{#var#}" * 20 + "b", "a" * 600),
        ("{#cbn#}{#numeric#}" * 10 + "x", "1" * 700),
        ("{#var#}" + "a" * 300 + "{#var#}" + "b", "a" * 650),
    ],
    ids=["variables-only", "urls", "one-letter-between", "one-letter-before", "two-kinds", "long-literal"],
)
def test_no_template_and_text_take_more_steps_than_the_length_of_one_times_that_of_the_other(monkeypatch, text, said):
    classes = {tag: (longest, CountedPattern(pattern)) for tag, (longest, pattern) in registered._CLASSES.items()}
    monkeypatch.setattr(registered, "_CLASSES", classes)
    CountedText.looked = CountedPattern.judged = 0
    one = RegisteredTemplate(id="1", text=text)
    assert not one.matches(CountedText(said))
    variables = one.count_variables()
    assert 0 < CountedPattern.judged <= variables * len(said) * max(LONGEST.values())
    assert CountedText.looked <= (variables + 1) * (len(said) + 1)
