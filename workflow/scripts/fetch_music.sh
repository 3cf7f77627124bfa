#!/usr/bin/env bash
# Fetch real recorded music: 16 tracks, 48 kHz stereo Ogg, CC BY-SA, from Debian's singularity-music.
#   workflow/scripts/fetch_music.sh FOLDER
# Needs Debian or Ubuntu, but no root: the package is unpacked in a temporary folder, not installed.
set -euo pipefail
package=singularity-music
expected=16
folder=${1:?usage: fetch_music.sh FOLDER}

fail() {
	echo "fetch_music: $1" >&2
	exit 1
}

shopt -s nullglob
if [ -f "$folder/$package.copyright.txt" ]; then
	present=("$folder"/*.ogg)
	if [ "${#present[@]}" -ge "$expected" ]; then
		echo "$folder already holds ${#present[@]} recordings"
		exit 0
	fi
fi
for tool in apt-get dpkg-deb; do
	command -v "$tool" >/dev/null ||
		fail "$tool is missing, so this is no Debian machine: put finished tracks of your own into $folder instead."
done
mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ] ||
	fail "$folder cannot be written: choose a folder you may write to."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt downloads as a user of its own where it can

download() {
	(cd "$work" && apt-get -q "$@" download "$package") >>"$work/log" 2>&1
}
# A fresh machine has no package lists, and only root may fetch them into the system's folder.
private=(-o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache")
if ! download; then
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
	apt-get -q "${private[@]}" update >>"$work/log" 2>&1 && download "${private[@]}" || {
		cat "$work/log" >&2
		fail "$package could not be downloaded (apt's messages are above): check the network and apt's sources, or put finished tracks of your own into $folder."
	}
fi

debs=("$work/$package"_*.deb)
[ "${#debs[@]}" -eq 1 ] || fail "apt-get said it downloaded $package but left no package: try again."
dpkg-deb -x "${debs[0]}" "$work/unpacked" ||
	fail "the downloaded $package is damaged: try again."
mapfile -d '' tracks < <(find "$work/unpacked" -name '*.ogg' -print0 | sort -z)
[ "${#tracks[@]}" -ge "$expected" ] ||
	fail "$package holds ${#tracks[@]} tracks, expected $expected: the package has changed, so adapt this script."

# Copied under a temporary name and then renamed, so that a full disk leaves no half track.
put() {
	cp "$1" "$folder/.part.$2" && mv "$folder/.part.$2" "$folder/$2" || {
		rm -f "$folder/.part.$2"
		fail "$folder/$2 could not be written: make room on the disk."
	}
}
for track in "${tracks[@]}"; do
	put "$track" "$(basename "$track")"
done
put "$work/unpacked/usr/share/doc/$package/copyright" "$package.copyright.txt"
echo "$folder holds ${#tracks[@]} recordings (CC BY-SA; see $package.copyright.txt)"
