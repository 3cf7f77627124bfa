"""Errors that a user can act on: one sentence that names the file or song and says what to do."""

from pydantic import ValidationError


class EditorbotError(Exception):
    """A mistake in the input or the set-up; its message is one sentence for the user."""


class AudioError(EditorbotError):
    """A sound file that cannot be used; the message names the file and the reason."""


def first_problem(error: ValidationError) -> str:
    """Where the first thing is that pydantic refused, and why."""
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"]) or "the list"
    return f"{place}: {problem['msg'].removeprefix('Value error, ')}"
