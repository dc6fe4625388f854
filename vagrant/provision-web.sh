#!/bin/sh
# A real server for LVS-DR, as the tutorials have people make it by hand.
set -eu
vip=$1

if ! command -v nginx >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update
  apt-get -qy install --no-install-recommends nginx-light
fi
echo "It Works! $(hostname)" >/var/www/html/index.html
# The drill keeps connections open for as long as it runs.
printf 'keepalive_timeout 1h;\nkeepalive_requests 1000000;\n' >/etc/nginx/conf.d/drill.conf
sed -i 's/^\(\s*\)keepalive_timeout/\1# keepalive_timeout/' /etc/nginx/nginx.conf

cat >/etc/sysctl.d/60-lvs-dr.conf <<SYSCTL
net.ipv4.conf.all.arp_ignore=1
net.ipv4.conf.all.arp_announce=2
SYSCTL
sysctl -q --system
ip address replace "$vip/32" dev lo
systemctl enable nginx
systemctl restart nginx
