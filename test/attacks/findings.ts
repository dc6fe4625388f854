/**
 * The 24 findings of the attack on a live pair at f67b3b7: what the attacker achieved then, and the tests that retry it. A test
 * is identified by its file and part of its title.
 */
export interface Finding {
  readonly number: number;
  readonly title: string;
  /** Observed at f67b3b7. */
  readonly before: string;
  readonly tests: readonly (readonly [file: string, title: string])[];
}

const simulated = 'test/sim/pair.test.ts';
const receiver = 'packages/failover/src/driver/receiver.test.ts';
const claims = 'packages/failover/src/claim.test.ts';
const secrets = 'src/cli/secrets.netns.test.ts';
const everySecret = 'no output of any command, log, journal, bundle or process argument has a planted secret';
const diagnostics = 'packages/config/src/diagnostic.test.ts';
const router = 'packages/checks/src/router.test.ts';
const orders = 'src/operators/order-state.test.ts';

export const findings: readonly Finding[] = [
  {
    number: 1,
    title: 'secrets in diagnostics',
    before: 'the read group got the cluster key from `plan`, and root with it',
    tests: [
      [diagnostics, 'authkeys is never quoted'],
      [diagnostics, 'no diagnostic of ldirectord.cf shows a secret'],
      [diagnostics, 'no diagnostic of ha.cf shows a secret'],
      ['src/cli/secrets-broken.test.ts', 'no secret is shown'],
      ['src/cli/secret-lines.test.ts', 'the secret is not shown'],
      ['packages/config/src/import/import-secrets.test.ts', 'no secret is shown'],
      [secrets, everySecret],
    ],
  },
  {
    number: 2,
    title: 'forged claims while the peer is down',
    before: '1 frame: no VIP for 4 x deadtime; 9 frames: 32 s of 34 s',
    tests: [
      [claims, 'a claim is valid only for its sender, cluster, address, hardware address and key'],
      [claims, 'only an answer to our claim proves that its sender is alive'],
      [simulated, 'claims that prove no life'],
      [simulated, 'a new claim of a peer that was fenced, or said goodbye, is no reason to yield'],
      ['packages/net/src/na-watch.netns.test.ts', 'a router may have forwarded is ignored'],
    ],
  },
  {
    number: 3,
    title: 'marked claims while both live',
    before: '20 claims/s: the VIP was the attacker’s 87 % of the time, 0 log lines',
    tests: [
      [simulated, 'a forged claim while both directors live is answered at once'],
      [simulated, 'another machine with our address is answered, and nobody yields to it'],
      ['packages/net/src/codecs.test.ts', 'options of a neighbour advertisement may stand in any order'],
      ['packages/net/src/arp-watch.netns.test.ts', 'ARP of a VLAN without an interface'],
    ],
  },
  {
    number: 4,
    title: 'adverts replayed on another path',
    before: '64 recorded adverts: no VIP for 55.5 s at a deadtime of 1 s',
    tests: [
      [receiver, 'an advert recorded on one path is refused on another'],
      [simulated, 'recorded adverts keep no dead director alive, on whichever path they come'],
    ],
  },
  {
    number: 5,
    title: 'hostile real servers',
    before: '5 servers: 0 of 20 healthy servers up, 691 MB',
    tests: [
      ['packages/checks/src/hostile.test.ts', 'take no healthy server out of service'],
      ['packages/checks/src/probes/tls-client.test.ts', 'without end are no answer, and expensive'],
    ],
  },
  {
    number: 6,
    title: 'read group against the supervisor',
    before: '4 clients: 4.2 GB, heap exhausted after 16 s, the VIP moved',
    tests: [
      ['test/attacks/lookers.netns.test.ts', 'ask for all events as fast as they can'],
      ['test/attacks/lookers.netns.test.ts', 'ask for all events and read nothing'],
      ['test/attacks/lookers.netns.test.ts', 'a hundred clients that say nothing'],
    ],
  },
  {
    number: 7,
    title: 'secrets in logs, journal and plan',
    before: 'IPMI and webhook passwords in 0644 logs',
    tests: [
      [secrets, everySecret],
      ['packages/config/src/facts.test.ts', 'a possible secret is hidden, and its change still shows'],
      ['src/system/shown.test.ts', 'a command that repeats its arguments does not show them'],
      ['src/system/log-file.test.ts', 'a file is readable by root and its group, whatever the umask'],
    ],
  },
  {
    number: 8,
    title: 'a crc key that is listed only',
    before: '20 forged adverts: the VIP given up 20 times in 4 s',
    tests: [
      [receiver, 'a listed crc key authenticates nobody while a real key signs'],
      ['packages/sync/src/keyring.test.ts', 'an empty key next to a real one authenticates nobody'],
    ],
  },
  {
    number: 9,
    title: 'incarnation 2^64-1',
    before: 'one advert: both engines died in a loop, also after a restart',
    tests: [
      [receiver, 'numbers that no director can reach are refused'],
      ['packages/failover/src/driver/state-store.test.ts', 'a poisoned or damaged file is repaired'],
      [simulated, 'adverts in the name of this director are outlived'],
    ],
  },
  {
    number: 10,
    title: 'owner and mode of files',
    before: 'files of nobody, mode 0777: 0 errors, 0 warnings',
    tests: [
      ['src/configuration/door.test.ts', ': refused'],
      ['src/configuration/door.test.ts', 'a world-writable program is refused'],
      ['src/configuration/door.test.ts', 'a world-writable resource script is refused'],
      ['src/configuration/door.test.ts', 'every part of a path is checked, through links'],
    ],
  },
  {
    number: 11,
    title: 'privileges',
    before: 'every process: root, all capabilities; the unit: 9.6 UNSAFE',
    tests: [
      [router, 'the checks run as another user without capabilities'],
      ['src/daemon/child.test.ts', 'keep only the three network capabilities, in every thread'],
      ['src/host/director/hardening.test.ts', 'checks with a capability'],
    ],
  },
  {
    number: 12,
    title: 'support bundle',
    before: 'private keys and passwords of scripts packed',
    tests: [
      ['src/cli/support-bundle.test.ts', 'the bundle has the files without any secret'],
      ['src/cli/support-bundle.test.ts', 'no planted secret of any spelling is in the bundle'],
    ],
  },
  {
    number: 13,
    title: 'strangers fill the logs',
    before: '2,700 lines/s; a claim answered by 300 frames',
    tests: [
      ['src/peer/strangers.test.ts', 'one source: reported at once, then its count'],
      ['src/peer/strangers.test.ts', 'ten thousand sources'],
      ['test/attacks/peer-port.netns.test.ts', 'a flood of connections'],
      [simulated, 'an answer names the claimed address only'],
    ],
  },
  {
    number: 14,
    title: 'ports reachable from everywhere',
    before: '6944/tcp answered on the VIP, two hops away; no TTL check',
    tests: [
      ['src/peer/peer.test.ts', 'are refused even with the key'],
      ['packages/failover/src/driver/strangers.test.ts', 'a router’s datagrams are dropped'],
      ['packages/sync/src/driver-link.netns.test.ts', 'only frames that no router forwarded are received'],
    ],
  },
  {
    number: 15,
    title: 'supply chain',
    before: 'Node outside the lock file ran as root; 150 packages of development installed',
    tests: [
      ['test/unit/supply-chain.test.ts', 'every package is locked by a SHA-512'],
      ['test/unit/supply-chain.test.ts', 'the Node that runs as root is a package of the lock file'],
      ['test/unit/supply-chain.test.ts', 'no script of a package runs'],
    ],
  },
  {
    number: 16,
    title: 'passwords in ps',
    before: 'IPMI password in two argument lists, every 5 s',
    tests: [
      [secrets, everySecret],
      ['packages/config/src/ha-cf.test.ts', 'the shell passes the parameters unchanged'],
    ],
  },
  {
    number: 17,
    title: 'MySQL password to any server',
    before: 'PASSWORD IN CLEAR, under the server’s own key',
    tests: [
      [
        'packages/checks/src/probes/mysql-message.test.ts',
        'the password is never encrypted with a key that the server sends',
      ],
    ],
  },
  {
    number: 18,
    title: 'control characters',
    before: 'C1 of an HTTP answer and ESC of an order reached the terminal',
    tests: [
      ['packages/checks/src/probes/printable.test.ts', 'a reason has no control characters'],
      ['src/cli/render/shown.test.ts', 'control characters are shown, not interpreted'],
      [diagnostics, 'no control character reaches the terminal'],
    ],
  },
  {
    number: 19,
    title: 'push',
    before: 'any name, mode 0777, links followed out of the directory',
    tests: [
      [
        'src/configuration/config-push.test.ts',
        'the peer cannot write a file that the pushed configuration does not read',
      ],
      [
        'src/configuration/config-push.test.ts',
        'a new file is accessible to root and its group only, whatever mode was sent',
      ],
      ['src/configuration/config-push.test.ts', 'a push follows no link and replaces only files'],
      ['src/configuration/config-push.test.ts', 'a link that appears after validation is not followed'],
    ],
  },
  {
    number: 20,
    title: 'read group against the peer channel',
    before: '12 threads: 4 of 4 pushes failed',
    tests: [
      ['src/peer/peer.test.ts', 'read-only requests leave places for requests that change something'],
      ['test/attacks/lookers.netns.test.ts', 'twelve clients that ask the peer keep no push away'],
    ],
  },
  {
    number: 21,
    title: 'expressions with fixed counts',
    before: '`a{2000}b`: 5.6 s frozen; `(?:a{100}){100}b`: 36 s',
    tests: [
      ['packages/regex/src/match.test.ts', 'is given up'],
      ['packages/checks/src/probes/dialogue.test.ts', 'a catastrophic expression ends the check'],
    ],
  },
  {
    number: 22,
    title: 'replay to a director without memory',
    before: '25 of 25 old adverts believed, nobody served',
    tests: [[simulated, 'without memory a peer is believed once it echoes this life']],
  },
  {
    number: 23,
    title: 'no filter before the HMAC',
    before: '115,000 forged adverts/s: 39 % lost, one spurious takeover',
    tests: [
      [
        'packages/failover/src/driver/transport.netns.test.ts',
        'strangers are dropped by the kernel and counted',
      ],
      ['test/attacks/flood.netns.test.ts', 'costs the engine nothing, and no role moves'],
    ],
  },
  {
    number: 24,
    title: 'umask, dates of orders, claimants without a MAC',
    before: 'logs 0666; an order of the year 285,000 broke `hactl status`',
    tests: [
      ['src/system/log-file.test.ts', 'whatever the umask'],
      [orders, 'rejected as overrides: '],
      [orders, 'overrides from a clock more than a day ahead are refused'],
      [simulated, 'another machine with our address is answered'],
    ],
  },
];
