"""EDL files: JSON, version 1 (docs/edl.md, docs/edl.schema.json)."""

from pathlib import Path

from pydantic import ValidationError

from editorbot.edl.model import Edit
from editorbot.errors import EditorbotError, first_problem
from editorbot.files import read_json, write_json


def write_edit(path: Path | str, edit: Edit) -> None:
    """Write `edit` as JSON, whole or not at all.

    Raises:
        EditorbotError: The file cannot be written.
    """
    write_json(path, edit.model_dump(mode="json"))


def read_edit(path: Path | str) -> Edit:
    """Read an EDL file.

    Raises:
        EditorbotError: The file is missing, is not JSON, or is not a valid EDL; says where.
    """
    try:
        return Edit.model_validate(read_json(path))
    except ValidationError as error:
        raise EditorbotError(
            f"{path} is not a version 1 EDL: {first_problem(error)} (see docs/edl.md)"
        ) from error


def json_schema() -> dict:
    """The JSON schema of an EDL file, as kept in docs/edl.schema.json."""
    return Edit.model_json_schema() | {"$schema": "https://json-schema.org/draft/2020-12/schema"}
