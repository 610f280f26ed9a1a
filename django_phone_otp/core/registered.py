"""Texts that were registered with a regulator, as India's DLT demands: a message must match one, or is dropped."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ANY = "*"

# No line breaks: a value must not write a line of its own, such as the one that binds a code to a website.
_ANY_ON_A_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]")

# What stands for a value, and what it may hold: its longest length, and the characters. The tags and
# lengths are those of TRAI's direction of 18 November 2025; {#var#} is the older one, of about 30.
_CLASSES: Mapping[str, tuple[int, re.Pattern[str]]] = {
    "var": (30, _ANY_ON_A_LINE),
    "numeric": (40, re.compile(r"[0-9]", re.ASCII)),
    "alphanumeric": (40, _ANY_ON_A_LINE),
    "url": (200, re.compile(r"\S")),
    "urlott": (200, re.compile(r"\S")),
    "cbn": (40, re.compile(r"[0-9+ -]", re.ASCII)),
    "email": (100, re.compile(r"\S")),
}
_VARIABLE = re.compile(r"\{#(" + "|".join(_CLASSES) + r")#\}")


@dataclass(frozen=True, slots=True)
class RegisteredTemplate:
    """A template as it stands in the register, and which messages it is for; an empty set means any.

    ``variables`` name the values of ``{#var#}`` and its like, in order; with them the text of a
    message is made from ``text``. Without ``text`` the vendor fills its own copy in.
    """

    id: str
    text: str = ""
    variables: tuple[str, ...] = ()
    purposes: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()

    def is_for(self, purpose: str, language: str) -> bool:
        """Tell whether messages of ``purpose`` in ``language`` use it; ``hi`` is for ``hi-in`` too."""
        spoken = {language.lower(), language.lower().partition("-")[0]}
        return (not self.purposes or purpose in self.purposes) and (not self.languages or bool(self.languages & spoken))

    def count_variables(self) -> int:
        """Return how many values the text takes."""
        return len(_VARIABLE.findall(self.text))

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with the values of ``variables`` in it; a value that is missing is empty."""
        given = iter(self.values(values))
        return _VARIABLE.sub(lambda _: next(given), self.text)

    def values(self, values: Mapping[str, str]) -> list[str]:
        """Return the values of ``variables``, in order."""
        return [values.get(name, "") for name in self.variables]

    def matches(self, text: str) -> bool:
        """Tell whether ``text`` is this one outside the variables, and each value fits its variable.

        Follows every position that the text may have reached, piece by piece, so that no text takes
        longer than its length times that of the template.
        """
        reached = {0}
        pieces = _VARIABLE.split(self.text)  # literal, tag, literal, tag, …, literal
        for index, piece in enumerate(pieces):
            if index % 2:
                reached = set(_over_value(text, reached, *_CLASSES[piece]))
            else:
                reached = {at + len(piece) for at in reached if text.startswith(piece, at)}
        return len(text) in reached


def _over_value(text: str, reached: Iterable[int], longest: int, allowed: re.Pattern[str]) -> Iterable[int]:
    """Yield where a value of 1 to ``longest`` characters may end."""
    for start in reached:
        for end in range(start + 1, min(start + longest, len(text)) + 1):
            if not allowed.match(text, end - 1):
                break
            yield end
