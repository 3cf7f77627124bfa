"""Errors that a user can act on: one sentence that names the file or song and says what to do."""


class EditorbotError(Exception):
    """A mistake in the input or the set-up; its message is one sentence for the user."""


class AudioError(EditorbotError):
    """A sound file that cannot be used; the message names the file and the reason."""
