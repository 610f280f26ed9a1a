"""Digits of other scripts, which look like ours."""

FULLWIDTH = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))
ARABIC = str.maketrans("0123456789", "".join(chr(0x0660 + digit) for digit in range(10)))
DEVANAGARI = str.maketrans("0123456789", "".join(chr(0x0966 + digit) for digit in range(10)))


def fullwidth(digits):
    return digits.translate(FULLWIDTH)


def arabic(digits):
    return digits.translate(ARABIC)


def devanagari(digits):
    return digits.translate(DEVANAGARI)
