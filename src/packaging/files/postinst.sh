if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers hactl.conf
else
  getent group hactl >/dev/null || groupadd --system hactl
  getent group hactl-check >/dev/null || groupadd --system hactl-check
  getent passwd hactl-check >/dev/null ||
    useradd --system --gid hactl-check --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin hactl-check
  for group in hactl-admin hactl-console; do
    getent group "$group" >/dev/null || groupadd --system "$group"
  done
  getent passwd hactl-console >/dev/null ||
    useradd --system --gid hactl-console --groups hactl-admin --home-dir /var/lib/hactl-console --no-create-home \
      --shell /usr/sbin/nologin hactl-console
fi
if [ -d /run/systemd/system ]; then
  systemd-tmpfiles --create hactl.conf || :
fi
mkdir -p /var/cache/hactl
# The compiled form of the programs, for this processor; the first start is as quick as any then.
for program in hactl hactld ldirectord heartbeat hactl-console; do
  NODE_COMPILE_CACHE=/var/cache/hactl /usr/lib/hactl/node "/usr/lib/hactl/$program.mjs" --help >/dev/null 2>&1 || :
done
# A program of that name from another package is a file, and stays.
for name in ldirectord heartbeat; do
  if [ ! -e "/usr/sbin/$name" ] || [ -L "/usr/sbin/$name" ]; then
    update-alternatives --install "/usr/sbin/$name" "$name" "/usr/lib/hactl/compat/$name" 50
  fi
done
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || :
  if [ "$fresh" = yes ]; then
    systemctl enable hactld.service || :
  else
    # The running director hands over to its peer first, and fails back afterwards.
    systemctl try-restart hactld.service || :
    systemctl try-restart hactl-console.service || :
  fi
elif [ "$fresh" = yes ] && command -v systemctl >/dev/null; then
  systemctl enable hactld.service || :
fi
if [ "$fresh" = yes ] && [ ! -e /etc/ha.d/ha.cf ] && [ ! -e /etc/ha.d/ldirectord.cf ]; then
  echo 'hactl: no configuration yet: run hactl init on the first director, hactl join on the second'
fi
