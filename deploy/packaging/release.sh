#!/usr/bin/env bash
# The source tarball of a commit: the same bytes from every clone, whenever it is made.
#
#   deploy/packaging/release.sh [FOLDER [COMMIT]]   (build/packages, HEAD): tencentchat-exporter-VERSION.tar.gz, its SHA-256
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${1:-$root/build/packages}
commit=${2:-HEAD}

die() {
	printf 'release: %s\n' "$*" >&2
	exit 1
}

git -C "$root" rev-parse --quiet --verify "$commit^{commit}" >/dev/null || die "'$commit' is no commit of a clone at $root"
version=$(git -C "$root" show "$commit:CMakeLists.txt" | sed -n 's/^project(.* VERSION \([0-9.]*\) .*/\1/p')
[ -n "$version" ] || die "the CMakeLists.txt of $commit tells no version"
name=tencentchat-exporter-$version

mkdir -p "$folder"
# Names are sorted, owners are root, and times are the commit's; what a user may have configured otherwise is said here.
git -C "$root" -c tar.umask=0022 -c core.autocrlf=false -c core.attributesFile=/dev/null \
	archive --format=tar --prefix="$name/" "$commit" | gzip -9n >"$folder/$name.tar.gz"
(cd "$folder" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
printf '%s\n' "$folder/$name.tar.gz"
