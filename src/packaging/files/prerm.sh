if [ -d /run/systemd/system ]; then
  systemctl disable --now hactl-console.service hactld.service || :
elif command -v systemctl >/dev/null; then
  systemctl disable hactl-console.service hactld.service || :
fi
for name in ldirectord heartbeat ipvsadm; do
  update-alternatives --remove "$name" "/usr/lib/hactl/compat/$name" || :
done
