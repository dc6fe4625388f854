#!/bin/sh
# A real server for LVS-DR, as the tutorials have people make it by hand.
set -eu
vip=$1

export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -qy install --no-install-recommends nginx-light
echo "It Works! $(hostname)" > /var/www/html/index.html

cat > /etc/sysctl.d/60-lvs-dr.conf <<EOF
net.ipv4.conf.all.arp_ignore=1
net.ipv4.conf.all.arp_announce=2
EOF
sysctl -q --system
ip addr replace "$vip/32" dev lo
systemctl enable --now nginx
