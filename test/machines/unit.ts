/** A real systemd unit as a resource (`systemd::UNIT` in haresources): it follows the role, and is monitored. */
import type {Machine} from './machine.ts';

const UNIT = 'served';
const FILE = `/etc/systemd/system/${UNIT}.service`;
const SET_UP = `printf '[Unit]\\nDescription=a resource of the test\\n[Service]\\nExecStart=/bin/sleep infinity\\n' >${FILE}
systemctl daemon-reload
cp -p /etc/ha.d/haresources /root/haresources; cp -p /etc/ha.d/ha.cf /root/ha.cf
sed -i '/^[^#]/ s/$/ systemd::${UNIT}/' /etc/ha.d/haresources
echo 'hactl_resource systemd::${UNIT} monitor=1s' >>/etc/ha.d/ha.cf
hactl check-config && hactl reload`;
const REMOVE = `mv /root/haresources /root/ha.cf /etc/ha.d/ && hactl reload`;
const TIDY = `rm -f ${FILE}; systemctl daemon-reload; systemctl reset-failed`;

/** Waits for a state of the unit, in the machine: an emulated second is long. */
const awaits = (state: string): string =>
  `for try in $(seq 120); do test "$(systemctl is-active ${UNIT})" = ${state} && exit 0; sleep 0.5; done; systemctl status ${UNIT}; hactl resource; exit 1`;

/** The director is Active. Returns the failures. */
export async function runUnit(machine: Machine, say: (line: string) => unknown): Promise<string[]> {
  const failures: string[] = [];
  const step = async (what: string, command: string): Promise<string> => {
    const done = await machine.run(command, 300);
    if (done.status !== 0) failures.push(`a unit as a resource, ${what}:\n${done.text}`);
    return done.text;
  };
  await step('the files are accepted', SET_UP);
  await step('it starts with the role', `(${awaits('active')})`);
  say(await step('its status', `hactl resource status systemd::${UNIT} && hactl resource`));
  const killed = await step(
    'a killed one is restarted',
    `before=$(systemctl show -P MainPID ${UNIT}); systemctl kill -s KILL ${UNIT}
for try in $(seq 120); do after=$(systemctl show -P MainPID ${UNIT}); test "$after" -gt 1 && test "$after" != "$before" && echo "$before, then $after" && exit 0; sleep 0.5; done; hactl resource; exit 1`,
  );
  say(`the unit's process: ${killed.trim()}`);
  await step(
    'it stops with hactld',
    `systemctl stop hactld; test "$(systemctl is-active ${UNIT})" = inactive`,
  );
  await step('it starts again with hactld', `systemctl start hactld && (${awaits('active')})`);
  await step('it stops when its line is removed', `${REMOVE} && (${awaits('inactive')})`);
  await step('nothing is left', TIDY);
  return failures;
}
