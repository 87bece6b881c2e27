#!/usr/bin/env bash
# Every bench in one command; see README.md. Installs what is missing, and ends what it started.
#
#   tests/bench/run.sh           everything, about twelve minutes on two idle cores
#   tests/bench/run.sh --quick   small pages and few rounds, to see that it works
#   tests/bench/run.sh --pays    the table of what a user pays, alone
#
# TCE_BENCH_BUILD is the folder of the build, build/release unless set.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export TCE_BENCH_BUILD=${TCE_BENCH_BUILD:-$root/build/release}
export TCE_EXPORTER=$TCE_BENCH_BUILD/bin/tencentchat_exporter TCE_SIMULATOR=$TCE_BENCH_BUILD/bin/chat_simulator
export PYTHONDONTWRITEBYTECODE=1
python=/usr/bin/python3 # the one whose modules are Debian packages
quick=()
only=

say() {
	printf '[%4ds] %s\n' "$SECONDS" "$*" >&2
}

die() {
	printf 'run: %s\n' "$*" >&2
	exit 1
}

for argument in "$@"; do
	case $argument in
	-h | --help) sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; exit 0 ;;
	--quick) quick=(--quick) ;;
	--pays) only=pays ;;
	*) die "unknown argument '$argument'; --quick or --pays" ;;
	esac
done

work=$(mktemp -d "${TMPDIR:-/tmp}/tencentchat-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
bars=$work/bars
: >"$bars"

build() {
	{ cmake --preset release -S "$root" -B "$TCE_BENCH_BUILD" &&
		cmake --build "$TCE_BENCH_BUILD" --target "$@"; } >"$work/build.log" 2>&1 ||
		{ tail -n 40 "$work/build.log" >&2; die "the build failed; its last words are above"; }
}

peer() { # SOURCE PROGRAM
	GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$TCE_BENCH_BUILD/go-cache go build -o "$2" "$1"
}

# A bench that hangs is ended; it ends what it started.
bounded() { # SECONDS COMMAND...
	timeout --foreground --kill-after=30 "$@"
}

pays() {
	say "what a user pays"
	bounded 900 "$python" "$here/pays.py" "${quick[@]}"
}

load() {
	cut -d ' ' -f 1 /proc/loadavg
}

cd "$root"
before=$(load)
say "installing what is missing"
deploy/packages.sh bench
say "building"
build tencentchat_exporter chat_simulator bench_server bench_store bench_lines bench_poll
if [ "$only" = pays ]; then
	pays
	exit 0
fi
peer "$here/peers/client_golang.go" "$work/client_golang"

say "scrapes, ours and the peers'"
bounded 3600 "$python" "$here/scrapes.py" --build="$TCE_BENCH_BUILD" --golang="$work/client_golang" --bars="$bars" "${quick[@]}"
say "the whole program"
bounded 900 "$python" "$here/whole.py" --bars="$bars" "${quick[@]}"
say "polls"
bounded 900 "$here/poll.sh" "$bars"
say "the store and lines alone"
printf '\nThe store alone, medians of 9\n\n'
bounded 300 "$TCE_BENCH_BUILD/tests/bench/bench_store"
printf '\nLines alone, medians of 9\n\n'
bounded 300 "$TCE_BENCH_BUILD/tests/bench/bench_lines"
pays
printf '\nBars%s; %d cores, load %s before and %s now\n\n' \
	"${quick:+ on pages that are too small for them}" "$(nproc)" "$before" "$(load)"
"$python" "$here/bars.py" "$bars"
