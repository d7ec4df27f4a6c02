"""The error a user can act on."""


class UserError(ValueError):
    """Bad input or configuration: one line that names the file or key, the value, and the remedy.

    The command lines print it without a traceback and exit with status 1.
    """
