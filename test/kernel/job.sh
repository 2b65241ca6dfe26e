# Runs in the lab's VM as root.
cd /job
mkdir -p bin
ln -s /bin/busybox bin/sysctl
export PATH=$PATH:/job/bin
# Node starts often here, and slowly.
export NODE_COMPILE_CACHE=/tmp/node-compile-cache
if [ -e bench.json ]; then
  TAPLINE_MODULES=/job/modules READY_MADE=/job/bench.json exec node tapline/bench/probes.mjs systemtap 20000 3
fi
exec node checks.mjs
