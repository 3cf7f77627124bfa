"""The frame of every workflow script: a log file, and one sentence for the user if it fails.

with step(snakemake):
    from editorbot.audio.decode import decode

    decode(...)
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from editorbot.errors import EditorbotError
from editorbot.files import write_text
from editorbot.workflow.run import FAILURES, OWNER_VARIABLE, is_alive

logger = logging.getLogger("editorbot")
WATCH_EVERY_S = 1.0


@contextmanager
def step(snakemake: Any) -> Iterator[None]:
    """Log to the rule's log file; end with exit status 1 and one sentence if the block fails.

    The sentence of an EditorbotError is the user's; of any other exception they get its last line
    and the log file's name, which holds the traceback.
    """
    log = Path(snakemake.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=log, filemode="w", level=logging.INFO, force=True)
    logging.captureWarnings(capture=True)
    _end_with_the_run()
    try:
        yield
    except EditorbotError as error:
        logger.error(str(error))
        _fail(snakemake, str(error))
    except Exception as error:
        logger.exception("unexpected error")
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        _fail(snakemake, f"{snakemake.rule} failed unexpectedly ({what}), see {log}")
    logger.info(
        "modules: %s", " ".join(sorted(m for m in sys.modules if m.startswith("editorbot")))
    )


def _fail(snakemake: Any, sentence: str) -> None:
    print(f"editorbot: {sentence}", file=sys.stderr, flush=True)
    # Told once more when everything else is done, as it scrolls away between other jobs.
    write_text(FAILURES / f"{snakemake.rule}-{os.getpid()}.txt", sentence)
    sys.exit(1)


def _end_with_the_run() -> None:
    """End this process soon after the Snakemake that started it was killed.

    Otherwise it would go on beside a new run and at last put its outdated result in place of the
    new one. Only a Snakemake of this machine can be watched.
    """
    host, pid, started = os.environ.get(OWNER_VARIABLE, "::").rsplit(":", 2)
    if host != os.uname().nodename:
        return

    def watch() -> None:
        while is_alive(int(pid), float(started)):
            time.sleep(WATCH_EVERY_S)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
