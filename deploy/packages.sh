#!/usr/bin/env bash
# Installs the Debian packages that are missing. Used by deploy/demo.sh, tests/run.sh and the scripts of tests/bench.
#
#   deploy/packages.sh build   what compiles the program
#   deploy/packages.sh demo    and what the demo shows it with
#   deploy/packages.sh tests   and what the tests run
#   deploy/packages.sh packaging   what builds the program, and makes packages of it (deploy/packaging)
#   deploy/packages.sh bench   what builds the program, and what tests/bench compares it with
#   deploy/packages.sh scrapers   and who reads its pages in tests/bench/scrapers.sh
set -euo pipefail

build=(gcc libc6-dev gzip cmake ninja-build pkg-config git ca-certificates libcurl4-openssl-dev libcjson-dev libmicrohttpd-dev
	libgnutls28-dev libcrypt-dev libssl-dev zlib1g-dev libconfig-dev)
demo=("${build[@]}" libcmocka-dev python3 curl prometheus)
tests=("${demo[@]}" clang clang-format shellcheck valgrind gzip wget python3-prometheus-client jsonnet
	prometheus-alertmanager man-db mandoc zsh fish systemd dpkg-dev rpm file lintian rpmlint podman runc mmdebstrap
	chromium fonts-dejavu-core
	python3-yaml python3-jsonschema docker-compose golang-go golang-github-masterminds-sprig-dev golang-github-ghodss-yaml-dev)
command -v npm >/dev/null || tests+=(npm) # another one than Debian's will do
packaging=("${build[@]}" dpkg-dev rpm python3 file)
bench=("${build[@]}" libcmocka-dev python3 curl gzip nginx golang-go golang-github-prometheus-client-golang-dev
	python3-prometheus-client)
scrapers=("${build[@]}" libcmocka-dev python3 curl gzip nginx golang-go nodejs prometheus wget)

# The run-time library of clang's sanitizers is a package of its own, named after clang's version.
clang_runtime() {
	local version
	version=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]\{1,\}\)$/\1/p' | head -n 1)
	[ -z "$version" ] || printf 'libclang-rt-%s-dev\n' "$version"
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing() {
	local name
	for name in "$@"; do installed "$name" || printf '%s\n' "$name"; done
}

missing_of() { # names on standard input
	local name
	while read -r name; do missing "$name"; done
}

die() {
	printf 'packages: %s\n' "$*" >&2
	exit 1
}

# TCE_THROWAWAY: the machine need not survive a power cut, and dpkg need not wait for its disk.
# A demo must not leave a service running: no package starts one while this lasts.
install() {
	local policy=/usr/sbin/policy-rc.d own=0 status=0 options=()
	[ -z "${TCE_THROWAWAY:-}" ] || options=(-o Dpkg::Options::=--force-unsafe-io)
	if [ ! -e $policy ]; then
		own=1
		printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee $policy >/dev/null
		"${root[@]}" chmod 755 $policy
	fi
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends "${options[@]}" "$@" || status=$?
	[ $own = 0 ] || "${root[@]}" rm -f $policy
	return $status
}

case ${1:-} in
build) wanted=("${build[@]}") ;;
demo) wanted=("${demo[@]}") ;;
tests) wanted=("${tests[@]}") ;;
packaging) wanted=("${packaging[@]}") ;;
bench) wanted=("${bench[@]}") ;;
scrapers) wanted=("${scrapers[@]}") ;;
*) die "usage: packages.sh build|demo|tests|packaging|bench|scrapers" ;;
esac

command -v dpkg-query >/dev/null || die "this is no Debian; install what the README of deploy/ lists, then run again"
mapfile -t names < <(missing "${wanted[@]}")
if [ "$1" = tests ] && [ ${#names[@]} -eq 0 ]; then
	mapfile -t names < <(clang_runtime | missing_of)
fi
[ ${#names[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || die "missing: ${names[*]}; install them as root, then run again"
	root=(sudo)
fi
printf 'installing %d packages: %s\n' "${#names[@]}" "${names[*]}"
"${root[@]}" apt-get update -q || die "apt-get update failed; is a Debian mirror reachable?"
if [ "$1" = tests ]; then
	mapfile -t runtime < <(clang_runtime | missing_of)
	names+=("${runtime[@]}")
fi
install "${names[@]}" || die "apt-get could not install them; its words are above"
