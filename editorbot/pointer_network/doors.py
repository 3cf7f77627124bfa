"""What the modules that are run by name share."""

import sys
from collections.abc import Callable

from editorbot.errors import EditorbotError


def run(main: Callable[[], None]) -> None:
    """Run a command line; an error that a user can act on is one line on standard error."""
    try:
        main()
    except EditorbotError as error:
        sys.exit(f"editorbot: {error}")
