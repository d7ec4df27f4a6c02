"""What the command lines share: flags by absl, configs by ml_collections, errors of the user's in one line."""

import inspect
import sys
from collections.abc import Callable, Sequence

from absl import app, flags, logging

from jaxsyn.errors import UserError


def run(main: Callable[[list[str]], None]) -> None:
    """Parses the flags and runs `main` with the other arguments, the program's name left out.

    A wrong flag, a config that cannot be had and a `UserError` end the program with one line and status 1.
    """
    app.run(lambda arguments: _guarded(main, arguments[1:]), flags_parser=_parse)


def _guarded(main: Callable[[list[str]], None], arguments: list[str]) -> None:
    # The checkpoint library tells every file it touches, and everything that fails several times before it raises it.
    logging.set_verbosity(logging.FATAL)
    sys.unraisablehook = _tell_unraisable
    try:
        main(arguments)
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if "Configuration is not available" not in str(error):
            raise
        sys.exit(f"error: {str(error).splitlines()[-1].strip()}")


def _tell_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """What Python does, but for coroutines that end with the program: they have failed and been told already."""
    if not inspect.iscoroutine(unraisable.object):
        sys.__unraisablehook__(unraisable)


def _parse(arguments: Sequence[str]) -> list[str]:
    try:
        return flags.FLAGS(arguments)
    except AttributeError as error:
        sys.exit(f"error: the config has no key {str(error).strip(chr(34))}; its file lists them")
    except Exception as error:
        # A config file runs while its flag is parsed: its own message is the innermost of the chain.
        innermost: BaseException = error
        while innermost.__cause__ or innermost.__context__:
            innermost = innermost.__cause__ or innermost.__context__
        chosen = innermost if isinstance(innermost, UserError | OSError) else error
        sys.exit(f"error: {(str(chosen).strip().splitlines() or [repr(chosen)])[-1].strip()}")
