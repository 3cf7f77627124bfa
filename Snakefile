# The pipeline from raw recordings and finished edits to proposed edits; see docs/workflow.md.
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")
sys.path.insert(0, str(workflow.basedir))
# A workspace given by --directory may have parameters of its own.
PARAMS_HERE = Path("params.yaml")


configfile: PARAMS_HERE if PARAMS_HERE.is_file() else f"{workflow.basedir}/params.yaml"


report: "workflow/report/overview.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/audio.smk"


if STEMS:

    include: "workflow/rules/stems.smk"


include: "workflow/rules/align.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/pointer_network.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/mini_demucs.smk"


wildcard_constraints:
    song="|".join(map(re.escape, SONGS)) or "(?!)",
    side="raw|edit",


localrules:
    all,
    prepare,
    evaluate,
    propose,


onstart:
    begin()


onerror:
    tell_failures()


rule all:
    default_target: True
    input:
        rules.train_pointer.output,
        rules.report.output,


rule prepare:
    input:
        PREPARED,
        rules.splits.output,


rule evaluate:
    input:
        SCORES,


rule propose:
    input:
        expand(rules.propose_song.output, song=SPLITS.test),
