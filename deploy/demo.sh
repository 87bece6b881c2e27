#!/usr/bin/env bash
# From a fresh clone to live topic metrics in one command.
#
#   deploy/demo.sh                  the bundled Tencent Chat simulator, the exporter and a Prometheus, until Ctrl-C
#   deploy/demo.sh --config FILE    your own configuration and credentials instead of the simulator
#   deploy/demo.sh --duration N     ends by itself N seconds after everything is up
#   deploy/demo.sh --no-prometheus  leaves Prometheus out
#   deploy/demo.sh --no-build       takes what build/release holds, and installs nothing
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
started=$SECONDS
duration=0
config=
with_prometheus=1
with_build=1
work=
pids=()

usage() {
	sed -n '2,/^set -/{/^# \{0,1\}/s///p;}' "${BASH_SOURCE[0]}" | sed '/^set -/d'
}

say() {
	printf '[%3ds] %s\n' "$((SECONDS - started))" "$*"
}

die() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	case $1 in
	--config) config=${2:?--config needs a file}; shift 2 ;;
	--config=*) config=${1#*=}; shift ;;
	--duration) duration=${2:?--duration needs seconds}; shift 2 ;;
	--duration=*) duration=${1#*=}; shift ;;
	--no-prometheus) with_prometheus=0; shift ;;
	--no-build) with_build=0; shift ;;
	-h | --help) usage; exit 0 ;;
	*) usage >&2; die "unknown argument '$1'" ;;
	esac
done
[[ $duration =~ ^[0-9]+$ ]] || die "--duration wants whole seconds, not '$duration'"
[ -z "$config" ] || [ -r "$config" ] || die "cannot read '$config'"

clean_up() {
	local pid
	trap - EXIT INT TERM
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	[ -z "$work" ] || rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# wait_for SECONDS WHAT PID COMMAND...: until COMMAND succeeds; gives up when PID ends or time is over.
wait_for() {
	local limit=$((SECONDS + $1)) what=$2 pid=$3
	shift 3
	until "$@" >/dev/null 2>&1; do
		kill -0 "$pid" 2>/dev/null || { tail -n 20 "$work"/*.log >&2; die "$what ended by itself; its last words are above"; }
		[ $SECONDS -lt $limit ] || { tail -n 20 "$work"/*.log >&2; die "$what is not ready in time; its last words are above"; }
		sleep 0.2
	done
}

build() {
	say "building (build/release)"
	cmake --preset release -S "$root" >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log" >&2; die "cmake failed"; }
	cmake --build "$root/build/release" >>"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log" >&2; die "the build failed"; }
}

json() { # json FILE PYTHON-EXPRESSION over the parsed document `d`
	python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}

start_simulator() {
	say "starting the Tencent Chat simulator on loopback, over TLS"
	"$root/build/release/bin/chat_simulator" --scenario="$root/tests/simulator/scenarios/demo.scenario" \
		--directory="$work" >"$work/simulator.log" 2>&1 &
	pids+=($!)
	wait_for 20 "the simulator" $! test -s "$work/ready.json"
}

# A configuration for every app and community of the simulator.
write_config() {
	python3 - "$work/ready.json" "$work/demo.cfg" <<'PY'
import json, sys, urllib.request
ready = json.load(open(sys.argv[1]))
lines = ['poll: { interval = "5s"; };', 'apps = (']
apps = []
for app in ready["apps"]:
    world = json.load(urllib.request.urlopen(f'{ready["control"]}/world?sdkappid={app["sdkappid"]}', timeout=10))
    ids = [json.dumps(c["community"]) for c in world["communities"]]
    apps.append("  { " + " ".join([
        f'name = "demo-{app["sdkappid"]}";', f'sdkappid = {app["sdkappid"]};', f'identifier = "{app["identifier"]}";',
        f'secret_key_file = "{app["secret_key_file"]}";', f'endpoint = "{ready["api"]}";',
        f'ca_file = "{ready["ca_file"]}";', "communities = ( " + ", ".join(ids) + " );"]) + " }")
lines.append(",\n".join(apps))
lines.append(");")
open(sys.argv[2], "w").write("\n".join(lines) + "\n")
PY
	config=$work/demo.cfg
}

start_exporter() {
	say "starting the exporter with $config"
	"$root/build/release/bin/tencentchat_exporter" --config.file="$config" \
		--web.listen-address="${DEMO_LISTEN:-127.0.0.1:10058}" >"$work/exporter.log" 2>&1 &
	exporter=$!
	pids+=("$exporter")
	wait_for 20 "the exporter" "$exporter" grep -q 'event=listening' "$work/exporter.log"
	base=http://$(sed -n 's/.*event=listening address=\([^ ]*\).*/\1/p' "$work/exporter.log" | head -n 1)
	say "waiting until every community has been polled once"
	wait_for 130 "the exporter" "$exporter" curl -fsS "$base/-/ready"
}

start_prometheus() {
	[ "$with_prometheus" = 1 ] || return 0
	command -v prometheus >/dev/null || { say "prometheus is not installed; going on without"; with_prometheus=0; return 0; }
	say "starting a Prometheus that scrapes it every 5 s"
	cat >"$work/prometheus.yml" <<-YAML
		global: { scrape_interval: 5s }
		scrape_configs:
		  - job_name: tencentchat
		    static_configs: [ { targets: [ "${base#http://}" ] } ]
	YAML
	prometheus=${DEMO_PROMETHEUS_LISTEN:-127.0.0.1:9090}
	prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" --web.listen-address="$prometheus" \
		>"$work/prometheus.log" 2>&1 &
	pids+=($!)
	wait_for 60 "Prometheus" $! prometheus_is_up
	say "Prometheus says up == 1"
}

prometheus_is_up() {
	curl -fsS --get "http://$prometheus/api/v1/query" --data-urlencode 'query=up{job="tencentchat"}' | grep -q '"1"\]'
}

last_messages() { # of the page in FILE
	grep '^tencentchat_topic_last_message_timestamp_seconds{' "$1" | sort
}

# A few lines of the families people ask for first.
excerpt() {
	local name
	for name in topic_info topic_last_message_timestamp_seconds topic_messages_total topic_muted community_up community_topics \
		community_last_success_timestamp_seconds api_requests_total usersig_expiry_timestamp_seconds; do
		grep -m 2 "^tencentchat_$name{" "$1" || true
	done
}

show() {
	local page=$work/page.txt first=$work/first.txt second=$work/second.txt moved

	curl -fsS "$base/metrics" >"$page"
	printf '\n'
	excerpt "$page"
	printf '  ... %s series in all\n\n' "$(grep -vc '^#' "$page")"
	last_messages "$page" >"$first" || die "no topic has a last message; see $base/metrics"
	[ -n "${1:-}" ] || return 0
	say "scraping again in 11 s to see topics move"
	sleep 11
	curl -fsS "$base/metrics" >"$page"
	last_messages "$page" >"$second"
	moved=$(comm -13 "$first" "$second" | wc -l)
	comm -13 "$first" "$second" | head -n 5
	[ "$moved" -gt 0 ] || die "no topic had a new message between two scrapes; see $work/exporter.log"
	say "$moved topics had a new message between two scrapes"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/tencentchat-demo.XXXXXX")
if [ $with_build = 1 ]; then
	"$root/deploy/packages.sh" demo
	build
fi
if [ -z "$config" ]; then
	start_simulator
	write_config
	simulated=yes
fi
start_exporter
ready=$SECONDS
start_prometheus
show "${simulated:-}"
graph=
[ "$with_prometheus" = 0 ] || graph="http://$prometheus/graph?g0.expr=time()-tencentchat_topic_last_message_timestamp_seconds"
cat <<TEXT

  status page  $base/status
  metrics      $base/metrics
  landing page $base/
  readiness    $base/-/ready
${graph:+  Prometheus   $graph
}  log          $work/exporter.log

TEXT
if [ "$duration" -gt 0 ]; then
	left=$((duration - (SECONDS - ready)))
	[ $left -le 0 ] || { say "ends in $left s"; sleep "$left"; }
	kill -0 "$exporter" 2>/dev/null || die "the exporter ended by itself"
	say "done"
else
	say "running; Ctrl-C ends everything"
	wait "$exporter"
fi
