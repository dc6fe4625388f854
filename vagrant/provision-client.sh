#!/bin/sh
# The client: no director, so the package's daemon has no configuration and does not start.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qy install --no-install-recommends /tmp/hactl.deb
rm /tmp/hactl.deb
