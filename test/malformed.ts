/** A corpus of malformed files: valid ones with one random defect, from a seeded generator, identical in every run. */

const SEED = 20_261_121;
const COUNT = 800;

/** A linear congruential generator (Numerical Recipes' constants): small and portable. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export const good: Readonly<Record<string, string>> = {
  'ldirectord.cf': `checktimeout=5
checkinterval=10
failurecount=2
autoreload=yes
quiescent=no
logfile="/var/log/ldirectord.log"
emailalert=admin@example.org
emailalertstatus=all
fallback=127.0.0.1:80 gate

virtual=10.0.0.1:80
	real=10.0.0.2:80 gate 5
	real=10.0.0.3->10.0.0.5:80 masq 1 "/ok.html", "OK"
	service=http
	checktype=negotiate
	request="index.html"
	receive="it works"
	httpmethod=GET
	virtualhost=www.example.org
	scheduler=wlc
	persistent=600
	netmask=255.255.255.0
	protocol=tcp
	checkport=80
	ops=no

virtual=7
	real=10.0.0.2 gate
	service=none
	scheduler=rr
	protocol=fwm
`,
  'ha.cf': `keepalive 2
deadtime 10
warntime 5
initdead 60
udpport 694
bcast eth1
mcast eth2 239.0.0.1 694 1 0
ucast eth3 10.1.1.2
node alpha beta
auto_failback on
ping 10.1.1.1
logfile /var/log/ha-log
hactl_lease 3
`,
  haresources: `alpha IPaddr2::10.0.0.1/24/eth0 ldirectord::ldirectord.cf LVSSyncDaemonSwap::master::eth1::1
beta 10.0.0.9/24/eth0 IPv6addr::2001:db8::1/64/eth0
`,
  authkeys: `auth 2
1 sha256 first
2 sha256 second
`,
};

type Random = (below: number) => number;
const pick = <T>(random: Random, list: readonly T[]): T => {
  const mutation = list[random(list.length)];
  if (mutation === undefined) throw new Error('an empty list');
  return mutation;
};

/** Values invalid for every directive of a kind, in lenient and strict mode. */
const wrongNumbers = ['', 'soon', 'x', '=', '-', '"', 'zehn', '--', 'no', '½', ';', '#5'];
const wrongYesNo = ['', 'maybe', '2', 'ye s', 'yesno', 'nein', 'oui', '#yes', 'yes,no', '"'];
const wrongWords = ['', 'foo bar', '!!!', 'qqqqqq', '"', '#', 'zzz', '@', '()', 'xyzzy'];
const wrongServers = [
  '', ':', ':80 gate', '300.1.1.1:80 gate', '10.0.0.2:99999 gate', '10.0.0.2:80', '10.0.0.2:80 nat', '[::1]:80 gate',
  '10.0.0.2:nosuch gate', 'no host:80 gate', '10.0.0.9->10.0.0.2:80 gate', '10.0.0.2->300.0.0.4:80 gate',
  '10.0.0.2:80 gate 1 "only one"', '10.0.0.2:80 gate 1 2', '10.0.0.2:80 gate weight', '10.0.0.2:80 gate l:x',
  '10.0.0.2:80 gate -', '10.0.0.2:80 gate 1.5',
]; // prettier-ignore
const wrongVirtuals = [
  '', ':', '10.0.0.1', '10.0.0.1:', '10.0.0.1:99999', '300.0.0.1:80', '[fe80::1]:80', 'no host:80', '10.0.0.1:nosuch',
  '-7', '0', '10.0.0.1 80', '99999999999', '10.0.0:80:x',
]; // prettier-ignore
export const wrongValues: Readonly<Record<string, readonly string[]>> = {
  checktimeout: [...wrongNumbers, '0'], checkinterval: [...wrongNumbers, '0'], failurecount: [...wrongNumbers, '0'],
  autoreload: wrongYesNo, quiescent: wrongYesNo, ops: wrongYesNo, persistent: wrongNumbers,
  logfile: ['', '"', 'x', 'x"', '""', "'x'", '“x”'], emailalert: ['', '""', ' , '],
  emailalertstatus: ['sometimes', 'all,none', 'all none', 'starting,bogus', 'none,running', '!'],
  fallback: ['300.1.1.1:80', '10.0.0.2:99999', '10.0.0.2:80 nat', '10.0.0.2:80 gate 5', '[::1]:80', ':x y', '10.0.0.2:80 GATE'],
  virtual: wrongVirtuals, real: wrongServers, service: wrongWords, checktype: wrongWords, protocol: wrongWords,
  httpmethod: [...wrongWords, 'POST', 'GETS'], scheduler: ['', '!!!', '123', '"', 'RR!', '_'],
  request: ['', '"', '""', 'x', "'x'"], receive: ['', '"', '""', 'x', '"("', '"[a"', '"a**"', '"(?<n"', '"*"', '“x”'],
  netmask: ['', '24', '255.255.255', '/24', 'x', '300.0.0.0', '255.255.255.0.0'],
  checkport: ['', '0', 'http', '65536', '99999', 'x'],
}; // prettier-ignore
const wrongHa = [
  'keepalive', 'keepalive soon', 'keepalive 0', 'deadtime', 'deadtime x', 'deadtime 2', 'warntime 100', 'warntime', 'initdead 1',
  'initdead never', 'udpport', 'udpport 0', 'udpport 70000', 'udpport x', 'bcast', 'mcast eth2', 'mcast eth2 10.0.0.1 694 1 0',
  'mcast eth2 239.0.0.1 0 1 0', 'mcast eth2 239.0.0.1 694 300 0', 'mcast eth2 239.0.0.1 694 1 2', 'mcast eth2 239.0.0.1 694 1',
  'ucast eth3', 'ucast eth3 nowhere', 'ucast eth3 300.1.1.1', 'node', 'auto_failback', 'auto_failback perhaps', 'nice_failback',
  'ping', 'ping nowhere', 'ping 10.1.1', 'ping_group', 'ping_group x', 'logfile', 'debugfile', 'logfacility', 'respawn',
  'respawn root', 'respawn root bin/x', 'crm on', 'crm yes', 'pacemaker on', 'autojoin any', 'autojoin other', 'cluster', 'realtime maybe',
  'rtprio 0', 'rtprio x', 'rtprio 100', 'hactl_lease', 'hactl_lease 1.5', 'hactl_lease x', 'hactl_fence', 'hactl_drill 1 2',
  'hactl_holddown x', 'hactl_standby_checks maybe', 'serial /dev/ttyS0', 'baud 9600', 'hbaping x y', 'stonith_host', 'nosuch 1',
  'constructor x', '__proto__ 1', 'toString', '=5', 'keepalive=2', '[ha]', '<xml/>', 'Keepalive 2', 'NODE gamma',
]; // prettier-ignore
const wrongResources = [
  'alpha', 'alpha IPaddr2::', 'alpha IPaddr2::300.1.1.1/24/eth0', 'alpha IPaddr2::10.0.0.7/33/eth0', 'alpha IPaddr2::10.0.0.7/x/eth0',
  'alpha IPaddr2::10.0.0.7/24/e!h0', 'alpha IPaddr2::nowhere/24/eth0', 'alpha 10.0.0/24', 'alpha IPv6addr::2001:db8::zz/64',
  'alpha IPv6addr::2001:db8::7/129/eth0', 'alpha LVSSyncDaemonSwap', 'alpha LVSSyncDaemonSwap::both', 'alpha AudibleAlarm',
  'alpha Ipaddr2::10.0.0.7/24/eth0', 'alpha ipaddr::10.0.0.7', 'alpha IPadr::10.0.0.7', 'alpha Ldirectord::x.cf', 'alpha ldirektord::x.cf',
  'alpha IPaddr2::10.0.0.1/24/eth0 ldirectord::ldirectord.cf',
]; // prettier-ignore
const wrongKeys = [
  'auth', 'auth 0', 'auth 16', 'auth x', 'auth 3', '0 sha256 x', '16 sha256 x', 'x sha256 y', '3', '3 sha256', '3 sha257 x', '3 rot13 x',
  '3 crc x', '3 md5', '2 sha256 again', '1 sha1 again', 'key 3 x', '-1 sha256 x', '3.5 sha256 x', 'sha256 x', '3 md5 old', '3 crc',
]; // prettier-ignore

const letters = 'abcdefghijklmnopqrstuvwxyz';

/** A misspelled name: one letter added, removed or changed. */
function misspell(name: string, random: Random): string {
  const at = random(name.length);
  const letter = pick(random, Array.from(letters));
  const [before, behind] = [name.slice(0, at), name.slice(at)];
  return pick(random, [
    before + letter + behind,
    before + behind.slice(1),
    before + letter + behind.slice(1),
    name.toUpperCase(),
  ]);
}

/** Replaces a random line for which `fits` holds. */
function replaceLine(
  text: string,
  random: Random,
  fits: (line: string) => boolean,
  put: (line: string) => string,
): string {
  const lines = text.split('\n');
  const candidates = lines.flatMap((line, at) => (fits(line) ? [at] : []));
  const at = pick(random, candidates);
  lines[at] = put(lines[at] ?? '');
  return lines.join('\n');
}

const insertLine = (text: string, random: Random, line: string): string => {
  const lines = text.trimEnd().split('\n');
  lines.splice(random(lines.length + 1), 0, line);
  return `${lines.join('\n')}\n`;
};

const noise = (random: Random): string =>
  Array.from({length: 1 + random(60)}, () =>
    String.fromCodePoint(pick(random, [33 + random(28), 62 + random(64), 0xa1 + random(600), 1 + random(8)])),
  ).join('');

function breakLdirectord(text: string, random: Random): string {
  const isDirective = (line: string): boolean => line.includes('=');
  switch (random(8)) {
    case 0:
      return replaceLine(text, random, isDirective, (line) =>
        line.replace(/\w+/, (name) => misspell(name, random)),
      );
    case 1:
      return replaceLine(text, random, isDirective, (line) =>
        line.replace('=', pick(random, [' ', ':', '', '->'])),
      );
    case 2:
      return replaceLine(
        text,
        random,
        (line) => line.startsWith('\t'),
        (line) => line.replace('\t', pick(random, ['', ' ', '  ', '   '])),
      );
    case 3:
      return insertLine(text, random, noise(random).replace(/^#/, '?'));
    case 4: {
      const moved = pick(random, [
        'autoreload=yes',
        'callback="/x"',
        'fork=no',
        'execute=x.cf',
        'maintenancedir=/tmp',
        'readdquiescent=yes',
      ]);
      return text.replace('\tscheduler=wlc', `\t${moved}`);
    }
    case 5:
      return pick(random, [
        `\uFEFF${text}`,
        text.replace('virtual=7', 'virtual=10.0.0.1:80').replace('protocol=fwm', 'protocol=tcp'),
        text.replace('\n\treal=10.0.0.2:80', '\n\n\treal=10.0.0.2:80'),
        text.replace('protocol=tcp', 'protocol=fwm'),
        text.replace('protocol=fwm', 'protocol=tcp'),
        text.replace('virtual=7', 'timeout=3'),
        text.replace('real=10.0.0.2 ', 'real6=10.0.0.2 '),
        text.replace('gate 5', `gate ${noise(random)}`),
      ]);
    default: {
      const [name, values] = pick(random, Object.entries(wrongValues));
      const has = (line: string): boolean => new RegExp(`^\\s*${name}=`).test(line);
      return replaceLine(text, random, has, (line) => line.replace(/=.*/, () => `=${pick(random, values)}`));
    }
  }
}

const breakers: Readonly<Record<string, (text: string, random: Random) => string>> = {
  'ldirectord.cf': breakLdirectord,
  'ha.cf': (text, random) => {
    const wrong =
      random(4) === 0
        ? `${misspell(pick(random, ['keepalive', 'deadtime', 'bcast', 'node', 'initdead']), random)} 5`
        : pick(random, wrongHa);
    const line = random(8) === 0 ? `${noise(random).replace(/^[#\s]+/, '')}?` : wrong;
    const [name] = line.split(' ');
    const has = (text: string): boolean => text.split(' ')[0] === name;
    return text.split('\n').some(has)
      ? replaceLine(text, random, has, () => line)
      : insertLine(text, random, line);
  },
  haresources: (text, random) => insertLine(text, random, pick(random, wrongResources)),
  authkeys: (text, random) => {
    const line = pick(random, wrongKeys);
    return line.startsWith('auth') ? text.replace('auth 2', line) : `${text}${line}\n`;
  },
};

/** The corpus: distinct files, mostly ldirectord's, as in practice. */
export function makeCorpus(): {readonly name: string; readonly text: string}[] {
  const random = makeRandom(SEED);
  const corpus = new Map<string, {name: string; text: string}>();
  const names = ['ldirectord.cf', 'ldirectord.cf', 'ldirectord.cf', 'ha.cf', 'haresources', 'authkeys'];
  for (let draw = 0; corpus.size < COUNT && draw < 20 * COUNT; draw += 1) {
    const name = pick(random, names);
    const text = breakers[name]?.(good[name] ?? '', random) ?? '';
    if (text !== good[name]) corpus.set(`${name}\n${text}`, {name, text});
  }
  return [...corpus.values()];
}
