"""The HTML report, written by Snakemake itself when all that it shows is there."""

import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from editorbot.errors import EditorbotError
from editorbot.files import replacing

logger = logging.getLogger(__name__)
TARGETS = ("prepare", "evaluate", "propose")


def write_report(output: Path, *, snakefile: Path, params: dict[str, Any]) -> None:
    """Have Snakemake write the report of the current directory's results.

    Args:
        output: The HTML file; it opens without a network.
        snakefile: The pipeline that made the results.
        params: All parameters they were made with, as a params.yaml has them.

    Raises:
        EditorbotError: Snakemake could not write it; its reason is in the step's log.
    """
    with tempfile.TemporaryDirectory() as folder, replacing(output) as temporary:
        config = Path(folder) / "params.yaml"
        config.write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
        # The targets come first, as some options take all the words that follow them.
        command = [sys.executable, "-m", "snakemake", *TARGETS, "--snakefile", str(snakefile)]
        command += ["--workflow-profile", "none", "--nolock", "--report", str(temporary)]
        command += ["--configfile", str(config)]
        run = subprocess.run(command, capture_output=True, text=True)
        logger.info(run.stderr)
        if run.returncode != 0:
            reason = run.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise EditorbotError(f"{output} could not be written: {reason[0]}")
