#!/bin/bash
# The Debian mirror that this machine itself installs from; nothing where it has none: mmdebstrap then takes Debian's own.
{ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
  sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] *\)\?\([^ ]*\) .*/\2/p' | grep '/debian/\?$' | head -1
