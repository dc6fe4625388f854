/** The next command to type after a daemon's error, by its code. Pure. */

const steps: Readonly<Record<string, string>> = {
  'no-daemon': 'systemctl status hactld; journalctl -u hactld -n 50',
  'no-permission': 'sudo hactl …, or a group in hactl_admin_group or hactl_read_group (ha.cf)',
  timeout: 'hactl events -n 20; if that does not answer either: systemctl status hactld',
  closed: 'hactl status; if the daemon is gone: journalctl -u hactld -n 50',
  busy: 'the same command again in a moment',
  'bad-request': "hactl --version here, hactl status for the daemon's: after an upgrade both are the same",
  'strange-answer': 'ss -xlp shows which program listens at the control socket',
  'unknown-command': "hactl status shows the daemon's version: systemctl restart hactld after an upgrade",
  version: "hactl status shows the daemon's version: systemctl restart hactld after an upgrade",
  'too-large': 'hactl events -n 1000',
  internal: 'hactl support-bundle; journalctl -u hactld -n 50',
  'not-permitted': 'the same command as root',
  'no-pair': 'hactl check-config; a pair has two node lines in ha.cf',
  'no-peer': 'hactl status shows the peer and its paths; hactl doctor looks at the firewall',
  'no-key': 'a sha256 key in authkeys on both directors, then hactl reload',
  'peer-lost': 'hactl why; hactl config history at the peer',
  'peer-timeout': 'hactl status at the peer',
  'not-for-peers': 'hactl --version on both directors: the peer has an older one',
  'push-off': "hactl_push on in the peer's ha.cf, hactl reload there, then hactl push again",
  'bad-name': 'hactl check-config here and at the peer',
  'no-version': 'hactl config history',
  'no-sync': 'hactl doctor',
  'unknown-resource': 'hactl resource list',
  'ambiguous-resource': 'hactl resource list',
  'not-here': 'hactl takeover',
  'no-such': 'hactl status shows the real servers and their virtual services',
  state: 'df -h /var/lib/hactl; journalctl -u hactld -n 20',
};

/** undefined: the message contains it, or nothing helps. */
export const nextStep = (code: string, message: string): string | undefined =>
  /\b(hactl [a-z]|systemctl )/.test(message) ? undefined : steps[code];
