rm -rf /var/lib/hactl /var/log/hactl /var/cache/hactl /run/hactl
getent passwd hactl-check >/dev/null && userdel hactl-check || :
for group in hactl-check hactl; do
  getent group "$group" >/dev/null && groupdel "$group" || :
done
