#!/bin/sh
# `hactl` for an installation under /opt/hactl: the Node that came with it, not the machine's.
exec /opt/hactl/node_modules/.bin/node /opt/hactl/src/hactl.ts "$@"
