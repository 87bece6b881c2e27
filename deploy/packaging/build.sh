#!/usr/bin/env bash
# Everything that is published: deb, rpm, their SBOM, and the source tarball when this is a clone.
#
#   deploy/packaging/build.sh [FOLDER]   (build/packages); builds in build/packaging
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${1:-$root/build/packages}
build=$root/build/packaging

umask 022 # the members of a deb have the modes of who makes it
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
rm -f "$folder"/tencentchat-exporter[-_]* "$folder/SHA256SUMS"
"$root/deploy/packages.sh" packaging
cmake --preset release -S "$root" -B "$build" -D TCE_TESTS=OFF
cmake --build "$build"
(cd "$build" && cpack -B "$folder")
rm -rf "$folder/_CPack_Packages"
for deb in "$folder"/*.deb; do
	dpkg-deb --fsys-tarfile "$deb" | tar -xO ./usr/share/doc/tencentchat-exporter/tencentchat-exporter.spdx.json \
		>"${deb%.deb}.spdx.json"
done
[ ! -e "$root/.git" ] || "$root/deploy/packaging/release.sh" "$folder"
rm -f "$folder"/*.sha256
(cd "$folder" && sha256sum tencentchat-exporter[-_]* >SHA256SUMS)
ls -l "$folder"
