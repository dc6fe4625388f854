# ldirectord's default log, unless another package's ldirectord is here.
[ -e /usr/sbin/ldirectord ] || rm -f /var/log/ldirectord.log /var/log/ldirectord.log.*
rm -rf /var/lib/hactl /var/lib/hactl-console /var/log/hactl /var/cache/hactl /run/hactl
for user in hactl-check hactl-console; do
  getent passwd "$user" >/dev/null && userdel "$user" || :
done
for group in hactl-check hactl-console hactl-admin hactl; do
  getent group "$group" >/dev/null && groupdel "$group" || :
done
