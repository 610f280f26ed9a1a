"""Phone numbers: strict parsing to E.164, the kinds that never get a message, and masking."""

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumberType

TYPED_MAXIMUM = 32  # characters; the longest usual spelling of 15 digits has fewer
ANY_REGION = "*"
NO_REGION = "001"  # satellite and other networks without a country (ITU-T E.164 annex)

# Each of these costs the receiver or the sender far more than a text, or reaches no one's handset.
REFUSED_TYPES = {
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
}
# Canada's non-geographic code 600 carries satellite and special-rate services, which look like VoIP.
REFUSED_PREFIXES = ("+1600",)
_SPELLING = re.compile(r"\(?\+?[0-9(][0-9 ().-]*", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


class UnreadableNumber(ValueError):
    """The text is not one phone number. ``reason`` says why, for staff."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RefusedNumber(UnreadableNumber):
    """The text is a phone number that never gets a message."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in E.164, and the region (ISO 3166-1 alpha-2) that it belongs to."""

    e164: str
    region: str

    def __repr__(self) -> str:
        return f"<Number {mask_number(self.e164)}>"


def parse_number(typed: str, default_region: str | None = None) -> Number:
    """Read one phone number as people write it, and nothing else.

    libphonenumber also takes extensions, ``tel:`` URIs that override the country, vanity letters,
    zero-width characters and carrier codes: all of them would be other spellings of one number.

    ``default_region`` is the region of a number typed without ``+``.

    Returns the number with the region that the number itself belongs to, which its dialling code
    does not tell: +1 and +44 are shared by many.

    Raises ``UnreadableNumber``, or ``RefusedNumber`` for a number that exists and never gets a
    message: satellite, premium, shared-cost, toll-free, pager, UAN, voicemail, personal.
    """
    spelling = _spelling(typed)
    try:
        parsed = phonenumbers.parse(spelling, default_region, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        raise UnreadableNumber("unreadable") from None
    if parsed.extension or parsed.preferred_domestic_carrier_code:
        raise UnreadableNumber("extension")
    region = phonenumbers.region_code_for_number(parsed)
    kind = phonenumbers.number_type(parsed)
    if region is None or kind == PhoneNumberType.UNKNOWN:
        raise UnreadableNumber("invalid")
    if kind in REFUSED_TYPES:
        raise RefusedNumber(REFUSED_TYPES[kind])
    if region == NO_REGION:
        raise RefusedNumber("satellite")
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if e164.startswith(REFUSED_PREFIXES):
        raise RefusedNumber("special_rate")
    return Number(e164, region)


def is_region(code: str) -> bool:
    """Tell whether ``code`` is a region (ISO 3166-1 alpha-2, upper case) that has phone numbers."""
    return code in phonenumbers.SUPPORTED_REGIONS


def _spelling(typed: str) -> str:
    """Return ``typed`` in ASCII when it holds digits and the usual punctuation of one number only."""
    if len(typed) > TYPED_MAXIMUM:
        raise UnreadableNumber("too_long")
    spelling = typed.strip() if typed.isascii() else "".join(map(_ascii, typed)).strip()
    if _SPELLING.fullmatch(spelling) is None:
        raise UnreadableNumber("characters")
    return spelling


def _ascii(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category == "Zs":
        return " "
    if category == "Pd":
        return "-"
    return "+" if character == "\N{FULLWIDTH PLUS SIGN}" else character


def compact_number(typed: str) -> str:
    """Return ``typed`` as ``+`` and digits, without asking whether such a number exists.

    Fictional numbers, which tests use, are invalid to libphonenumber. Raises ``UnreadableNumber``.
    """
    compact = re.sub(r"[ ().-]", "", _spelling(typed))
    if _E164.fullmatch(compact) is None:
        raise UnreadableNumber("characters")
    return compact


def calling_code(e164: str) -> str:
    """Return the country calling code of an E.164 number, without the ``+``."""
    digits = e164.removeprefix("+")
    return next((digits[:n] for n in (1, 2, 3) if int(digits[:n]) in COUNTRY_CODE_TO_REGION_CODE), digits[:1])


def spellings(e164: str) -> tuple[str, ...]:
    """Return a number in the forms that vendors are given: E.164, without its ``+``, and national."""
    return e164, e164.removeprefix("+"), e164.removeprefix(f"+{calling_code(e164)}")


def mask_number(e164: str) -> str:
    """Return ``e164`` with all but its calling code and last three digits hidden: ``+91 ••••• ••210``."""
    code = calling_code(e164)
    national = e164.removeprefix("+").removeprefix(code)
    hidden = "•" * (len(national) - 3) + national[-3:]
    return f"+{code} " + " ".join(hidden[start : start + 5] for start in range(0, len(hidden), 5))
