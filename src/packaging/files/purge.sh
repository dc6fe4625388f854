rm -rf /var/lib/hactl /var/lib/hactl-console /var/log/hactl /var/cache/hactl /run/hactl
for user in hactl-check hactl-console; do
  getent passwd "$user" >/dev/null && userdel "$user" || :
done
for group in hactl-check hactl-console hactl-admin hactl; do
  getent group "$group" >/dev/null && groupdel "$group" || :
done
