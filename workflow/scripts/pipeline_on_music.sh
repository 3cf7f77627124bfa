#!/usr/bin/env bash
# Run the whole pipeline on jams simulated from real recordings, in a workspace of its own.
#   workflow/scripts/pipeline_on_music.sh WORKSPACE [TRACKS]
# Every step is the product's; only the tracks are excerpts, so that it ends in a few minutes.
set -euo pipefail
workspace=$1
tracks=${2:-6}
root=$(cd "$(dirname "$0")/../.." && pwd)

shopt -s nullglob
references=("$root"/data/reference/*.ogg)
if [ "${#references[@]}" -lt "$tracks" ]; then
	echo "expected at least $tracks recordings in data/reference, found ${#references[@]}: run make music" >&2
	exit 1
fi
mkdir -p "$workspace"
cd "$root"
editorbot simulate "${references[@]:0:$tracks}" --output "$workspace/data" --seed 1 --params workflow/profiles/music.yaml
snakemake --directory "$workspace" --configfile workflow/profiles/music.yaml --cores "$(nproc)" all
cat "$workspace"/results/metrics/*.json
