#!/usr/bin/env bash
# Run the whole pipeline on jams simulated from real recordings, in a workspace of its own.
#   workflow/scripts/pipeline_on_music.sh WORKSPACE [TRACKS]
# Every step is the product's own; the tracks are excerpts, so that it ends in a few minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
workspace=${1:?usage: pipeline_on_music.sh WORKSPACE [TRACKS]}
tracks=${2:-6}

shopt -s nullglob
references=(data/reference/*.ogg)
if [ "${#references[@]}" -lt "$tracks" ]; then
	echo "expected at least $tracks recordings in data/reference, found ${#references[@]}: run make music" >&2
	exit 1
fi
editorbot simulate "${references[@]:0:$tracks}" --output "$workspace/data" --seed 1 --params tests/music/params.yaml
snakemake --directory "$workspace" --configfile params.yaml tests/music/params.yaml --cores "$(nproc)" all
editorbot results "$workspace/results"
