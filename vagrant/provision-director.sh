#!/bin/sh
# Makes a director of a bare Debian machine: what docs/install.md tells people to type.
set -eu
vip=$1 keepalive=$2 deadtime=$3
device=$(ip -o -4 addr show to 10.99.1.0/24 | awk '{print $2; exit}')

printf 'net.ipv4.ip_forward=1\nnet.ipv4.conf.all.rp_filter=0\nnet.ipv4.conf.all.send_redirects=0\n' \
  >/etc/sysctl.d/60-hactl.conf
sysctl -q --system

mkdir -p /etc/ha.d
cat >/etc/ha.d/ha.cf <<HA_CF
logfacility local0
keepalive $keepalive
deadtime $deadtime
initdead 30
hactl_preempt_delay 5
mcast $device 225.0.0.1 694 1 0
auto_failback on
node director1
node director2
HA_CF
cat >/etc/ha.d/haresources <<HARESOURCES
director1 ldirectord::ldirectord.cf LVSSyncDaemonSwap::master::$device IPaddr2::$vip/24/$device
HARESOURCES
cat >/etc/ha.d/ldirectord.cf <<LDIRECTORD_CF
checktimeout=5
checkinterval=2
fallback=127.0.0.1:80 gate
quiescent=yes
virtual=$vip:80
	real=10.99.1.11:80 gate
	real=10.99.1.12:80 gate
	service=http
	request="index.html"
	receive="It Works!"
	scheduler=rr
	protocol=tcp
LDIRECTORD_CF
# The same key on both: made once, on the director that comes up first, would need a channel; this is a lab.
printf 'auth 1\n1 sha256 only-for-the-lab\n' >/etc/ha.d/authkeys
chmod 600 /etc/ha.d/authkeys

export DEBIAN_FRONTEND=noninteractive
# The fallback server, which the drill starts when it needs it, and ipvsadm, with which it does harm.
if ! command -v nginx >/dev/null || ! command -v ipvsadm >/dev/null; then
  apt-get -q update
  apt-get -qy install --no-install-recommends nginx-light ipvsadm
  systemctl disable --now nginx
fi
apt-get -qy install --no-install-recommends /tmp/hactl.deb
rm /tmp/hactl.deb
hactl check-config
systemctl restart hactld
