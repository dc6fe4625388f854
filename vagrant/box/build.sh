#!/bin/sh
# Builds a Debian box for vagrant-libvirt from the Debian archive alone, where no box catalogue is reachable:
#
#   sudo sh vagrant/box/build.sh /tmp/hactl-debian.box       (mmdebstrap, e2fsprogs, qemu-utils)
#   vagrant box add --name hactl/debian /tmp/hactl-debian.box
#   HACTL_BOX=hactl/debian vagrant up --provider=libvirt
#
# The box has no boot loader: libvirt starts its kernel directly, which also works without KVM (TCG). What the
# provisioning scripts would install is in it, so that the machines need no way to the archive.
set -eu
box=${1:?usage: build.sh FILE.box}
suite=${HACTL_BOX_SUITE:-bookworm}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

packages=systemd-sysv,dbus,udev,kmod,procps,iproute2,iputils-ping,ifupdown,isc-dhcp-client,openssh-server,sudo
packages=$packages,linux-image-cloud-amd64,initramfs-tools,ca-certificates,nginx-light,ipvsadm,ethtool
mmdebstrap --mode=root --variant=minbase --include="$packages" "$suite" "$work/root"

root=$work/root
# The kernel of the box lies beside its disk: libvirt loads it.
cp "$root"/boot/vmlinuz-* "$work/vmlinuz"
cp "$root"/boot/initrd.img-* "$work/initrd.img"
rm -rf "${root:?}"/boot/* "$root"/var/cache/apt/archives/*.deb

chroot "$root" useradd -m -s /bin/bash vagrant
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/vagrant"
chmod 440 "$root/etc/sudoers.d/vagrant"
mkdir -m 700 "$root/home/vagrant/.ssh"
# Vagrant's public key for new machines; `vagrant up` replaces it by one of the machine's own.
keys=$(find / -xdev -path '*/vagrant-*/keys/vagrant.pub' -print -quit 2>/dev/null)
[ -n "$keys" ] || { echo 'build.sh: no keys/vagrant.pub: is vagrant installed?' >&2; exit 1; }
cp "$keys" "$root/home/vagrant/.ssh/authorized_keys"
chroot "$root" chown -R vagrant:vagrant /home/vagrant
printf 'auto lo\niface lo inet loopback\nallow-hotplug eth0\niface eth0 inet dhcp\n' >"$root/etc/network/interfaces"
echo '/dev/vda / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
echo debian >"$root/etc/hostname"
printf 'UseDNS no\n' >"$root/etc/ssh/sshd_config.d/vagrant.conf"
# Real servers start nginx by their provisioning; nothing else waits for a network or a clock.
for unit in nginx.service apt-daily.timer apt-daily-upgrade.timer; do
  chroot "$root" systemctl disable "$unit" >/dev/null 2>&1 || :
done

mke2fs -q -t ext4 -L root -d "$root" "$work/box.raw" 3G
qemu-img convert -c -O qcow2 "$work/box.raw" "$work/box.img"
cp "$(dirname "$0")/Vagrantfile" "$work/Vagrantfile"
echo '{"provider": "libvirt", "format": "qcow2", "virtual_size": 3}' >"$work/metadata.json"
tar -C "$work" -czf "$box" metadata.json Vagrantfile box.img vmlinuz initrd.img
ls -l "$box"
