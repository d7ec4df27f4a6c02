"""The error a user can act on."""

import unicodedata

# Control characters, surrogates (as which Python carries bytes of a file's name that are no UTF-8), line ends.
_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")


class UserError(ValueError):
    """Bad input or configuration: one line that names the file or key, the value, and the remedy.

    The command lines print it without a traceback and exit with status 1. Names of files may hold anything, so the
    message is made `printable`.
    """

    def __init__(self, message: str):
        super().__init__(printable(message))


def printable(text: str) -> str:
    r"""The text as one line that can be printed as UTF-8: other characters as `\n`, other bytes as `\xff`."""
    return "".join(_escaped(c) if unicodedata.category(c) in _UNPRINTABLE else c for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    # A byte that is no UTF-8 is carried as the surrogate 0xdc00 + byte.
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else character.encode("unicode_escape").decode()
