#!/usr/bin/env bash
# CPU of a poll against a bare fetch and against Go; see README.md.
#
#     poll.sh [BARS-FILE]
#
# prints the table of its bars, or appends them to the file for the one table of run.sh.
set -euo pipefail

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$bench/../.." && pwd)
build=${TCE_BENCH_BUILD:-$root/build/release}
work=$(mktemp -d "${TMPDIR:-/tmp}/tencentchat-poll.XXXXXX")
simulator=

clean_up() {
	[ -z "$simulator" ] || kill "$simulator" 2>/dev/null || true
	rm -rf "$work"
}
trap clean_up EXIT

[ -f "$build/build.ninja" ] || cmake --preset release -S "$root" -B "$build" >/dev/null
cmake --build "$build" --target bench_poll chat_simulator >"$work/log" || { cat "$work/log" >&2; exit 1; }
GO111MODULE=off GOCACHE=$work/go go build -o "$work/peer" "$bench/peers/poll/main.go"

"$build/bin/chat_simulator" --scenario="$bench/bench.scenario" --directory="$work" >"$work/log" 2>&1 &
simulator=$!
for _ in $(seq 100); do
	[ ! -s "$work/ready.json" ] || break
	kill -0 "$simulator" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
	sleep 0.1
done
field() {
	python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$work/ready.json" "$1"
}
for topics in 10 100 200; do
	"$build/tests/bench/bench_poll" "$(field 'd["api"]')" "$(field 'd["ca_file"]')" "$(field 'd["apps"][0]["sdkappid"]')" \
		"$(field 'd["apps"][0]["identifier"]')" "$(field 'd["apps"][0]["secret_key_file"]')" "@TGS#_bench$topics" "$work/peer"
done >"$work/figures"

PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$bench python3 - "$work/figures" "${1:-}" <<'END'
import sys

from bars import Bars, print_table

bars = Bars(sys.argv[2] or None)
rows = [line.split() for line in open(sys.argv[1], encoding="utf-8")]
print("CPU of a poll over TLS, microseconds, medians of 21 rounds in turns; bytes of whole and of filtered answers\n")
print_table(["topics", "bytes", "filtered", "bare libcurl", "whole", "filtered", "Go, whole"], rows)
print()
for topics, _, _, *figures in rows:
    bare, whole, filtered, go = map(float, figures)
    if topics == "100":
        bars.most(f"poll CPU, filtered, against a bare fetch of all, {topics} topics", 2.8, 2.2, filtered / bare)
        bars.least(f"poll CPU, whole answers, against Go, {topics} topics", 1.8, 2.5, go / whole)
    else:
        bars.told(f"poll CPU, filtered, against a bare fetch of all, {topics} topics", filtered / bare)
        bars.told(f"poll CPU, whole answers, against Go, {topics} topics", go / whole, " x less")
    bars.told(f"poll CPU, whole answers, against a bare fetch, {topics} topics", whole / bare)
bars.finish()
END
