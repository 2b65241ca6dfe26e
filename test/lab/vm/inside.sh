#!/bin/bash
# Runs a command in the lab's folder as if it were the system, in a mount namespace of its own: nothing stays mounted.
#
#   inside.sh CACHE FOLDER COMMAND...        FOLDER is seen as /work, and is where the command runs
#
# SYS=1: with this machine's /sys, for programs that trace its kernel; its environment variables named BPFTRACE_... go in, too.
set -euo pipefail
root=$(readlink -f "$1/root") folder=$(readlink -f "$2")
shift 2
kept=() name=
if [ "${SYS:-}" = 1 ]; then
  for name in ${!BPFTRACE_*}; do kept+=("$name=${!name}"); done
fi
export SYS=${SYS:-}
exec unshare -m --propagation private bash -c '
  root=$1 folder=$2 count=$3; shift 3; kept=("${@:1:count}"); shift "$count"
  [ "$SYS" != 1 ] || mount --rbind /sys "$root/sys"
  mount --bind /proc "$root/proc" && mount --bind /dev "$root/dev" && mount -t tmpfs tmpfs "$root/tmp" &&
  mkdir -p "$root/work" && mount --bind "$folder" "$root/work" &&
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C "${kept[@]}" chroot "$root" bash -c "cd /work && exec \"\$@\"" -- "$@"
' -- "$root" "$folder" "${#kept[@]}" "${kept[@]}" "$@"
