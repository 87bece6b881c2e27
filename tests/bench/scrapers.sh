#!/usr/bin/env bash
# A million series through a real Prometheus, in both formats, and through every client that opens gzip; see
# scrapers/README.md. Installs what is missing, asserts, prints one table, and ends what it started.
#
#   tests/bench/scrapers.sh           ten to twenty minutes on two cores, and 6 GB of memory
#   tests/bench/scrapers.sh --quick   ten thousand series, to see that it works
#
# TCE_BENCH_BUILD is the folder of the build, build/release unless set.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${TCE_BENCH_BUILD:-$root/build/release}
series=1000000

say() {
	printf '[%4ds] %s\n' "$SECONDS" "$*" >&2
}

die() {
	printf 'scrapers: %s\n' "$*" >&2
	exit 1
}

for argument in "$@"; do
	case $argument in
	-h | --help) sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; exit 0 ;;
	--quick) series=10000 ;;
	*) die "unknown argument '$argument'; --quick" ;;
	esac
done

work=$(mktemp -d "${TMPDIR:-/tmp}/tencentchat-scrapers.XXXXXX")
trap 'rm -rf "$work"' EXIT

cd "$root"
say "installing what is missing"
deploy/packages.sh scrapers
say "building"
{ cmake --preset release -S "$root" -B "$build" && cmake --build "$build" --target bench_server; } >"$work/log" 2>&1 ||
	{ tail -n 40 "$work/log" >&2; die "the build failed; its last words are above"; }
GO111MODULE=off GOCACHE=$work/go go build -o "$work/reader" "$here/scrapers/reader.go"
# Everything it starts keeps its files in one folder, which goes with ours.
TMPDIR=$work timeout --foreground --kill-after=90 3600 \
	/usr/bin/python3 -B "$here/scrapers/million.py" --build="$build" --reader="$work/reader" --series="$series"
