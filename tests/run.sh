#!/usr/bin/env bash
# Every test that CI runs: installs what is missing, builds with gcc, with clang and with sanitizers, runs ctest once over
# all three. ctest prints the closing line.
#
#   tests/run.sh                   everything
#   tests/run.sh LABEL...          only these labels: unit golden fuzz simulator replay deploy
#                                  browser container fences valgrind
#   tests/run.sh --without LABEL   everything else
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
presets=(release asan clang)
labels=()
without=''
known='unit golden fuzz simulator replay deploy browser container fences valgrind'

say() {
	printf '[%4ds] %s\n' "$SECONDS" "$*"
}

die() {
	printf 'run: %s\n' "$*" >&2
	exit 1
}

label() {
	case " $known " in
	*" $1 "*) ;;
	*) die "unknown label '$1'; one of $known" ;;
	esac
}

while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; exit 0 ;;
	--without) label "${2-}"; without=$2; shift ;;
	*) label "$1"; labels+=("$1") ;;
	esac
	shift
done

build() {
	local log=$root/build/$1.log

	say "building $1"
	mkdir -p "$root/build"
	{ cmake --preset "$1" -S "$root" && cmake --build "$root/build/$1"; } >"$log" 2>&1 ||
		{ tail -n 40 "$log" >&2; die "building $1 failed; its last words are above, all of them in $log"; }
}

# One folder for ctest that holds the tests of every build, so that there is one closing line.
collect() {
	mkdir -p "$root/build/all"
	for preset in "${presets[@]}"; do
		printf 'subdirs("%s")\n' "$root/build/$preset"
	done >"$root/build/all/CTestTestfile.cmake"
}

cd "$root"
say "installing what is missing"
deploy/packages.sh tests
for preset in "${presets[@]}"; do build "$preset"; done
collect
pattern=$(IFS='|'; printf '%s' "${labels[*]}")
jobs=${TCE_JOBS:-$((8 * $(nproc)))} # in eighths of a processor: see CMakeLists.txt
say "running ctest on $jobs eighths of a processor"
exec ctest --test-dir build/all --output-on-failure --no-tests=error -j "$jobs" \
	${pattern:+-L "^($pattern)\$"} ${without:+-LE "^$without\$"}
