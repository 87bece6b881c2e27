#!/usr/bin/env bash
# Prints the bench tables; see README.md.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build/release
work=$(mktemp -d "${TMPDIR:-/tmp}/tencentchat-bench.XXXXXX")
simulator=

clean_up() {
	[ -z "$simulator" ] || kill "$simulator" 2>/dev/null || true
	rm -rf "$work"
}
trap clean_up EXIT

cmake --preset release -S "$root" >/dev/null
cmake --build "$build" --target bench_poll bench_scrape bench_store chat_simulator >/dev/null

"$build/bin/chat_simulator" --scenario="$root/tests/bench/bench.scenario" --directory="$work" >"$work/log" 2>&1 &
simulator=$!
for _ in $(seq 100); do
	[ ! -s "$work/ready.json" ] || break
	kill -0 "$simulator" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
	sleep 0.1
done
field() {
	python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$work/ready.json" "$1"
}
url=$(field 'd["api"]')
ca=$(field 'd["ca_file"]')
app=$(field 'd["apps"][0]["sdkappid"]')
identifier=$(field 'd["apps"][0]["identifier"]')
key=$(field 'd["apps"][0]["secret_key_file"]')

printf 'CPU of a poll over TLS, microseconds, medians of 9 rounds\n\n'
printf '| answer | topics | bytes | bare libcurl | fetch, decode, store | ratio |\n| --- | ---: | ---: | ---: | ---: | ---: |\n'
for topics in 10 100 200; do
	"$build/tests/bench/bench_poll" "$url" "$ca" "$app" "$identifier" "$key" "@TGS#_bench$topics" "all fields"
done
printf '\nScrapes over loopback, medians of 9\n\n'
"$build/tests/bench/bench_scrape"
printf '\nThe store alone, medians of 9\n\n'
"$build/tests/bench/bench_store"
