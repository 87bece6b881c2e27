#!/usr/bin/env bash
# closure.sh FOLDER PROGRAM...: the root file system of an image that runs the programs: they themselves, stripped, the
# libraries they are linked with, trust anchors, a user.
set -euo pipefail

folder=${1:?usage: closure.sh FOLDER PROGRAM...}
shift

mkdir -p "$folder"/{etc/ssl/certs,etc/tencentchat_exporter,usr/sbin,tmp}
install -m 755 -s "$@" "$folder/usr/sbin/"

# "libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x...)", and the loader without an arrow
ldd "$@" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | sort -u |
	while read -r library; do
		mkdir -p "$folder$(dirname "$library")"
		cp -L "$library" "$folder$library"
	done

cp -L /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"
printf 'exporter:x:65532:65532::/:/sbin/nologin\n' >"$folder/etc/passwd"
printf 'exporter:x:65532:\n' >"$folder/etc/group"
printf 'hosts: files dns\n' >"$folder/etc/nsswitch.conf"
chmod 1777 "$folder/tmp"
find "$folder" -exec touch -h -d @0 {} +
