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
# Numbers that regulators keep free for books and films: valid to libphonenumber, and nobody's.
_FICTIONAL = re.compile(
    r"""
    \+1\d{3}55501\d\d  # North America: 555-0100 to 555-0199 (NANPA, 555 line numbers)
    | \+44(?:
        1(?:13|14|15|16|17|18|21|31|41|51|61)4960\d{3}  # Ofcom, telephone numbers for use in TV and radio drama
        | 1914980\d{3} | 1632960\d{3} | 2079460\d{3} | 2896496\d{3} | 2920180\d{3} | 7700900\d{3} | 3069990\d{3}
    )
    | \+33(?:19900|26191|35301|46571|53649|63998)\d{4}  # Arcep, decision 2018-0881, article 2.5.12
    | \+61[2378](?:5550|7010)\d{4}  # ACMA, phone numbers for use in TV shows, films and creative works
    """,
    re.ASCII | re.VERBOSE,
)
# Two numbers in E.164 that networks take to the same phone: the mobile 9 of Argentina, and the 1 that Mexico
# gave up in 2019. By beginning and length of the longer one, with what the shorter begins with.
_TWINS = (("+549", 14, "+54"), ("+521", 14, "+52"))
BLOCK_DIGITS = 3  # operators are given numbers in blocks of a thousand and more; who pumps owns such blocks
# Lists of contacts put these around a number that is copied from them, and nobody sees them.
_DIRECTION_MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_SPELLING = re.compile(r"\(?\+?[0-9(][0-9 ().-]*", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


class UnreadableNumber(ValueError):
    """The text is not one phone number. ``reason`` says why, for staff."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Number:
    """A number in E.164, and the region (ISO 3166-1 alpha-2) that it belongs to; of networks without one, ``""``."""

    e164: str
    region: str

    def __repr__(self) -> str:
        return f"<Number {mask_number(self.e164)}>"


class RefusedNumber(UnreadableNumber):
    """The text is a phone number that never gets a message: ``number``."""

    def __init__(self, reason: str, number: Number) -> None:
        super().__init__(reason)
        self.number = number


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
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    number = Number(e164, "" if region == NO_REGION else region)
    if kind in REFUSED_TYPES:
        raise RefusedNumber(REFUSED_TYPES[kind], number)
    if region == NO_REGION:
        raise RefusedNumber("satellite", number)
    if e164.startswith(REFUSED_PREFIXES):
        raise RefusedNumber("special_rate", number)
    return number


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


def is_fictional(e164: str) -> bool:
    """Tell whether a number, valid as it may be, is kept free for fiction, so that nobody has it."""
    return _FICTIONAL.fullmatch(e164) is not None


def may_be_somebodys(e164: str) -> bool:
    """Tell whether somebody may have this number: it exists, and is not kept free for fiction."""
    try:
        parse_number(e164)
    except RefusedNumber:
        return True
    except UnreadableNumber:
        return False
    return not is_fictional(e164)


def one_spelling(e164: str) -> str:
    """Return the one of a phone's numbers that limits count by, where a phone has two: the shorter."""
    return min(twins(e164), key=len)


def twins(e164: str) -> tuple[str, ...]:
    """Return all numbers of the phone that has ``e164``: itself, and where there is one its other spelling."""
    for beginning, length, shorter in _TWINS:
        if e164.startswith(beginning) and len(e164) == length:
            return e164, shorter + e164.removeprefix(beginning)
        if e164.startswith(shorter) and len(e164) == length - (len(beginning) - len(shorter)):
            return e164, beginning + e164.removeprefix(shorter)
    return (e164,)


def block_of(e164: str) -> str:
    """Return the beginning that a number shares with its block of a thousand."""
    return one_spelling(e164)[:-BLOCK_DIGITS]


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


def with_region(typed: str, region: str | None) -> str:
    """Return ``typed`` in E.164 where it is one number, of ``region`` when it has no country code; else as it is.

    A number that begins with 00, the international prefix of most countries, is tried with ``+`` when it is
    none of ``region``. Nothing is refused here: what cannot be read is told by ``parse_number()``.
    """
    typed = typed.strip().strip(_DIRECTION_MARKS)
    candidates = [typed, f"+{typed.removeprefix('00')}"] if typed.startswith("00") else [typed]
    for candidate in candidates:
        try:
            return parse_number(candidate, region).e164
        except RefusedNumber as refusal:
            return refusal.number.e164
        except UnreadableNumber:
            continue
    return typed
