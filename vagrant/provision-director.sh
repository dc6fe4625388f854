#!/bin/sh
# Makes a director of a bare Debian 12 machine: what docs/install.md tells people to type.
set -eu
vip=$1
device=$(ip -o -4 addr show to 10.99.1.0/24 | awk '{print $2; exit}')

rm -rf /opt/hactl
mv /tmp/hactl /opt/hactl
modprobe ip_vs
echo ip_vs > /etc/modules-load.d/hactl.conf
printf 'net.ipv4.ip_forward=1\nnet.ipv4.conf.all.rp_filter=0\nnet.ipv4.conf.all.send_redirects=0\n' \
  > /etc/sysctl.d/60-hactl.conf
sysctl -q --system

mkdir -p /etc/ha.d
cat > /etc/ha.d/ha.cf <<EOF
logfacility local0
keepalive 200ms
deadtime 1
initdead 5
mcast $device 225.0.0.1 694 1 0
auto_failback on
node director1
node director2
EOF
cat > /etc/ha.d/haresources <<EOF
director1 ldirectord::ldirectord.cf LVSSyncDaemonSwap::master::$device IPaddr2::$vip/24/$device
EOF
cat > /etc/ha.d/ldirectord.cf <<EOF
checktimeout=3
checkinterval=1
quiescent=yes
virtual=$vip:80
	real=10.99.1.11:80 gate
	real=10.99.1.12:80 gate
	service=http
	request="index.html"
	receive="It Works!"
	scheduler=rr
	protocol=tcp
EOF
# The same key on both: made once, on the director that comes up first, would need a channel; this is a lab.
printf 'auth 1\n1 sha256 only-for-the-lab\n' > /etc/ha.d/authkeys
chmod 600 /etc/ha.d/authkeys

# The package's unit, with the checkout's programs.
sed -e 's#/usr/sbin/hactld#/opt/hactl/node_modules/.bin/node /opt/hactl/src/hactld.ts#' \
  -e 's#/usr/sbin/hactl #/usr/local/sbin/hactl #' \
  /opt/hactl/src/packaging/files/hactld.service >/etc/systemd/system/hactld.service
ln -sf /opt/hactl/vagrant/hactl.sh /usr/local/sbin/hactl
chmod +x /opt/hactl/vagrant/hactl.sh
systemctl daemon-reload
systemctl enable --now hactld
