#!/bin/bash
# Adds the kernel's debug symbols to the lab's folder, for probes on functions (kernel.function) and scripts that read variables.
# A stage of its own, on request: 350 MB to download, 410 MB kept. The VM's image is left as it is: symbols are needed to compile only.
#
#   debug-symbols.sh [CACHE]        default: ${XDG_CACHE_HOME:-~/.cache}/tapline/lab, made by build.sh before
set -euo pipefail
cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/tapline/lab}
root=$cache/root
exec 9>"$cache/lock"
flock 9
kernel=$(cat "$cache/kernel")
symbols=usr/lib/debug/lib/modules/$kernel/vmlinux
[ -e "$root/$symbols" ] && exit 0
started=$SECONDS
package=linux-image-$kernel-dbg
version=$(dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${Version}' "linux-image-$kernel")
temporary=$(mktemp -d "$cache/symbols.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
mkdir -p "$temporary"/{lists,archives}/partial
# The lab's own list of packages, read by this machine's apt into a place of its own.
apt=(-qq -o "Dir::Etc::SourceList=$root/etc/apt/sources.list" -o "Dir::Etc::SourceParts=$root/etc/apt/sources.list.d"
  -o "Dir::State::status=$root/var/lib/dpkg/status" -o "Dir::State::Lists=$temporary/lists" -o "Dir::Cache=$temporary" -o Acquire::Check-Valid-Until=false
  -o APT::Sandbox::User=root -o APT::Architecture=amd64)
apt-get "${apt[@]}" update
(cd "$temporary" && apt-get "${apt[@]}" download "$package=$version")
dpkg-deb --fsys-tarfile "$temporary"/*.deb | tar -x -C "$temporary" "./$symbols"
mkdir -p "$(dirname "$root/$symbols")"
mv "$temporary/$symbols" "$root/$symbols"
echo "lab: debug symbols of $kernel: $((SECONDS - started)) s, $(du -m "$root/$symbols" | cut -f1) MB" >&2
