#!/bin/bash
# Runs a command on a machine made of the lab's folder, whose changes are kept in STATE and never reach the lab itself.
#
#   machine.sh CACHE STATE CHECKOUT COMMAND...     CHECKOUT is seen as /work (read-only)
#
# The kernel it claims to run is the one named in STATE/release: /proc is this machine's own but for the kernel's release and
# its list of modules and its configuration, so that everything but loading a module works as on that kernel. Needs root and overlayfs.
set -euo pipefail
lab=$(readlink -f "$1") state=$(readlink -f "$2") checkout=$(readlink -f "$3")
shift 3
mkdir -p "$state"/{upper,work,root}
exec unshare -m --propagation private bash -c '
  lab=$1 state=$2 checkout=$3; shift 3
  root=$state/root
  mount -t overlay overlay -o "lowerdir=$lab/root,upperdir=$state/upper,workdir=$state/work" "$root"
  mount -t tmpfs proc "$root/proc"
  mkdir -p "$root"/proc/{real,sys/kernel} "$root/work" && mount --bind /proc "$root/proc/real"
  for entry in /proc/[a-z]*; do case ${entry##*/} in sys | modules | config.gz) ;; *) ln -s "real/${entry##*/}" "$root/proc/${entry##*/}" ;; esac; done
  for entry in /proc/sys/*; do [ "${entry##*/}" = kernel ] || ln -s "../real/sys/${entry##*/}" "$root/proc/sys/${entry##*/}"; done
  for entry in /proc/sys/kernel/*; do [ "${entry##*/}" = osrelease ] || ln -s "../../real/sys/kernel/${entry##*/}" "$root/proc/sys/kernel/${entry##*/}"; done
  ln -s real/1 "$root/proc/1"
  cp "$state/release" "$root/proc/sys/kernel/osrelease"
  : >"$root/proc/modules"
  mount --bind /dev "$root/dev" && mount --bind /sys "$root/sys" && mount -t tmpfs tmpfs "$root/tmp"
  mount --bind "$checkout" "$root/work" && mount -o remount,bind,ro "$root/work"
  cat /etc/resolv.conf >"$root/etc/resolv.conf"
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C chroot "$root" "$@"
' -- "$lab" "$state" "$checkout" "$@"
