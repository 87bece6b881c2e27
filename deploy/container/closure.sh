#!/usr/bin/env bash
# closure.sh PROGRAM FOLDER: the root file system of an image that runs PROGRAM: the program, stripped, the libraries it is linked
# with, trust anchors, a user.
set -euo pipefail

program=${1:?usage: closure.sh PROGRAM FOLDER}
folder=${2:?usage: closure.sh PROGRAM FOLDER}

mkdir -p "$folder"/{etc/ssl/certs,etc/tencentchat_exporter,usr/sbin,tmp}
install -m 755 -s "$program" "$folder/usr/sbin/"

# "libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x...)", and the loader without an arrow
ldd "$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | sort -u |
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
