"""editorbot's alignment of one pair in a process of its own, for `benchmarks/alignment.py`.

    python benchmarks/alignment_worker.py RAW EDIT OUT.json

Writes the edit list; prints CPU seconds without imports, and peak memory (GB), as JSON.
"""

import json
import sys
import time
from pathlib import Path

from editorbot.align.align import align
from editorbot.edl.serialize import write_edit
from editorbot.params import AlignParams


def main() -> None:
    raw, edit, output = (Path(argument) for argument in sys.argv[1:])
    before = time.process_time()
    found = align(raw, edit, params=AlignParams())
    cpu_s = time.process_time() - before
    write_edit(output, found.edit)
    # Not getrusage's, which counts what the process that started this one held.
    status = Path("/proc/self/status").read_text()
    peak_gb = int(status.split("VmHWM:")[1].split()[0]) / 2**20
    print(json.dumps({"cpu_s": cpu_s, "peak_gb": peak_gb}))


if __name__ == "__main__":
    main()
