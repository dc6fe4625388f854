/** Tables for the planner, the persistent forms, mistakes with arptables, and the verdicts on probes. */
import test from 'ava';
import {arpRules} from './arptables.ts';
import {broadcastOf, networkText, within} from '../networks.ts';
import {persistForms} from './persist-forms.ts';
import {persistReal} from './persist.ts';
import {defaultGateway} from './realserver-driver.ts';
import {commandOf, facing, nftRules, planReal, type RealFacts, type Goal} from './realserver-plan.ts';
import {chooseUndo, type Undo} from './realserver-undo.ts';
import {judge, type Observation, type SeenReal, type Target} from './verify-judge.ts';

const VIP = '192.168.122.100';
const facts: RealFacts = {
  sysctls: new Map(['all', 'eth0'].flatMap((device) => [
    [`ipv4.conf.${device}.arp_ignore`, '0'], [`ipv4.conf.${device}.arp_announce`, '0'], [`ipv4.conf.${device}.rp_filter`, '1'],
  ] as const)),
  addresses: [
    {device: 'lo', family: 4, address: '127.0.0.1', prefixLength: 8},
    {device: 'eth1', family: 4, address: '10.0.0.5', prefixLength: 24},
    {device: 'eth0', family: 4, address: '192.168.122.11', prefixLength: 24},
  ],
  links: ['lo', 'eth0', 'eth1'].map((name) => ({name, up: true})),
  arptables: '*filter\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n',
  nft: '',
}; // prettier-ignore
const goal: Goal = {vips: [VIP], method: 'gate', form: 'arp_ignore'};
const commands = (goal: Goal, of = facts): string[] =>
  planReal(goal, of)
    .steps.filter(({done}) => !done)
    .map(commandOf);

test('the interface that faces the director is the one in the VIP’s network', (t) => {
  t.is(facing(goal, facts), 'eth0');
  t.is(facing({...goal, device: 'eth1'}, facts), 'eth1');
  t.is(facing({...goal, vips: ['203.0.113.1']}, facts), 'eth1', 'none has it: the first');
});

test('gate: ARP is suppressed first, then the address added with /32', (t) => {
  t.deepEqual(commands(goal), [
    'sysctl -w net.ipv4.conf.all.arp_ignore=1',
    'sysctl -w net.ipv4.conf.all.arp_announce=2',
    'sysctl -w net.ipv4.conf.eth0.arp_ignore=1',
    'sysctl -w net.ipv4.conf.eth0.arp_announce=2',
    `ip address add ${VIP}/32 dev lo`,
  ]);
});

test('arptables and nft replace arp_ignore; existing rules are not added again', (t) => {
  const arptables = [
    `arptables -A INPUT -d ${VIP} -j DROP`,
    `arptables -A OUTPUT -s ${VIP} -j mangle --mangle-ip-s 192.168.122.11`,
  ];
  const form = {...goal, form: 'arptables'} as const;
  t.deepEqual(commands(form), [...arptables, `ip address add ${VIP}/32 dev lo`]);
  const saved = `*filter\n-A INPUT -j DROP -d ${VIP}\n-A OUTPUT -j mangle -s ${VIP} --mangle-ip-s 192.168.122.11\n`;
  t.deepEqual(commands(form, {...facts, arptables: saved}), [`ip address add ${VIP}/32 dev lo`]);
  const nft = {...goal, form: 'nft'} as const;
  t.regex(commands(nft)[0] ?? '', /^nft -f - <<'END'\ntable arp hactl_192_168_122_100 \{/);
  t.deepEqual(commands(nft, {...facts, nft: nftRules(VIP, '192.168.122.11')}), [
    `ip address add ${VIP}/32 dev lo`,
  ]);
});

test('ipip: sets the tunnel up, turns rp_filter off and adds the address to the tunnel', (t) => {
  const made = commands({...goal, method: 'ipip'});
  t.deepEqual(made.slice(0, 4), [
    'modprobe ipip',
    'ip link set tunl0 up',
    'sysctl -w net.ipv4.conf.all.rp_filter=0',
    'sysctl -w net.ipv4.conf.tunl0.rp_filter=0',
  ]);
  t.is(made.at(-1), `ip address add ${VIP}/32 dev tunl0`);
});

test('IPv6 needs only the address, with /128', (t) => {
  const six = {...goal, vips: ['2001:db8::64']};
  t.deepEqual(commands(six), ['ip address add 2001:db8::64/128 dev lo']);
  t.regex(planReal(six, facts).notes.join(), /neighbour solicitations/);
  t.is(commands({...six, method: 'ipip'}).at(-1), 'ip address add 2001:db8::64/128 dev ip6tnl0');
});

test('masq: sets the default route and no VIP', (t) => {
  const masq = {vips: [VIP], method: 'masq', form: 'arp_ignore', gateway: '10.0.0.1'} as const;
  t.deepEqual(commands(masq), ['ip route replace default via 10.0.0.1']);
  t.deepEqual(commands(masq, {...facts, gateway: '10.0.0.1'}), []);
  t.regex(planReal({...masq, gateway: '10.9.0.1'}, facts).faults.join(), /in no network/);
});

/** Impossible plans, and the reason. */
const impossible: readonly (readonly [Partial<Goal>, Partial<RealFacts>, RegExp])[] = [
  [{device: 'eth7'}, {}, /no interface eth7/],
  [{}, {addresses: []}, /no interface has an address/],
  [
    {},
    {addresses: [...facts.addresses, {device: 'eth0', family: 4, address: VIP, prefixLength: 24}]},
    /is on eth0/,
  ],
  [{form: 'nft'}, {nft: undefined as unknown as string}, /apt install nftables/],
  [{form: 'arptables'}, {arptables: undefined as unknown as string}, /apt install arptables/],
  [{method: 'masq'}, {}, /--gateway/],
];
for (const [part, other, words] of impossible)
  test(`cannot: ${JSON.stringify(part)}: ${words.source}`, (t) => {
    t.regex(planReal({...goal, ...part}, {...facts, ...other}).faults.join('\n'), words);
  });

test('the third seed’s mistake is reported: the rule for the sender is on the input chain', (t) => {
  const slip = `arptables -A IN -d ${VIP} -j DROP\narptables -A IN -s ${VIP} -j mangle --mangle-ip-s 192.168.122.11\n`;
  const found = arpRules(slip, VIP);
  t.true(found.dropped);
  t.is(found.mangledTo, undefined);
  t.regex(found.faults.join(), /is on IN, .* belongs on OUTPUT/);
  const right = arpRules(slip.replace('-A IN -s', '-A OUT -s'), VIP);
  t.deepEqual(right, {dropped: true, mangledTo: '192.168.122.11', faults: []});
  t.regex(arpRules(`-A OUTPUT -d ${VIP} -j DROP`, VIP).faults.join(), /belongs on INPUT/);
  t.deepEqual(arpRules(slip, '192.168.122.101'), {dropped: false, faults: []});
  t.regex(
    planReal({...goal, form: 'arptables'}, {...facts, arptables: slip}).notes.join(),
    /belongs on OUTPUT/,
  );
});

const where = {device: 'eth0', own: '192.168.122.11'};
for (const form of persistForms)
  test(`persistent: ${form}`, (t) => {
    for (const [method, arp] of [['gate', 'arp_ignore'], ['gate', 'arptables'], ['gate', 'nft'], ['ipip', 'arp_ignore']] as const) {
      const {files, after} = persistReal({vips: [VIP, '2001:db8::64'], method, form: arp}, form, where);
      t.snapshot(
        [...files.map(({path, mode, text}) => `=== ${path} ${mode.toString(8)}\n${text}`), ...after].join('\n'),
        `${method} ${arp}`,
      );
    }
  }); // prettier-ignore

test('Windows: prints the loopback adapter, /32, and the weak host settings', (t) => {
  const text = persistReal(goal, 'windows', where).after.join('\n');
  for (const words of [
    `add address "loopback" ${VIP} 255.255.255.255`, '"LAN" weakhostreceive=enabled',
    '"loopback" weakhostreceive=enabled', '"loopback" weakhostsend=enabled',
  ]) t.true(text.includes(words), words); // prettier-ignore
});

test('undo by address keeps shared steps until the last address', (t) => {
  const shared: Undo = {kind: 'sysctl', key: 'ipv4.conf.all.arp_ignore', set: '1', before: '0'};
  const [one, two] = ['192.0.2.1', '192.0.2.2'].map((address): Undo => ({kind: 'address', device: 'lo', address, vip: address})); // prettier-ignore
  if (!one || !two) return t.fail();
  t.deepEqual(chooseUndo([shared, one, two], ['192.0.2.1']), {back: [one], stay: [shared, two]});
  t.deepEqual(chooseUndo([shared, two], ['192.0.2.2']), {back: [two, shared], stay: []});
  t.deepEqual(chooseUndo([shared, one, two], []), {back: [two, one, shared], stay: []});
});

test('the default gateway is read from /proc/net/route', (t) => {
  const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n';
  t.is(defaultGateway(`${head}eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\neth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n`), '10.0.0.1'); // prettier-ignore
  t.is(defaultGateway(head), undefined);
});

test('networks', (t) => {
  const device = {device: 'eth0', family: 4, address: '10.1.2.3', prefixLength: 22} as const;
  t.true(within('10.1.3.255', device));
  t.false(within('10.1.4.0', device));
  t.false(within('2001:db8::1', device));
  t.is(broadcastOf('10.1.2.3', 22), '10.1.3.255');
  t.is(broadcastOf('10.1.2.3', 32), '10.1.2.3');
  t.is(networkText(device), '10.1.0.0/22');
  t.true(within('2001:db8::ff', {family: 6, address: '2001:db8::1', prefixLength: 64}));
});

const target: Target = {vip: VIP, port: 80, real: '192.168.122.11', method: 'gate'};
const mac = '02:00:00:00:00:11';
const good: SeenReal = {real: target.real, local: false, onLink: true, mac, answers: true, returned: true};
const seen = (vip: Partial<Observation['vips'][number]>, real: Partial<SeenReal> = {}, taken = true): Observation => ({
  vips: [{vip: VIP, assigned: true, asked: true, claims: [], ...vip}],
  reals: [{...good, ...real}],
  taken: new Set(taken ? [`${VIP} ${target.real} gate`] : []),
}); // prettier-ignore
const others = ['02:00:00:00:00:91', '02:00:00:00:00:92'];

for (const [name, observed, method, codes] of [
  ['all is well', seen({}), 'gate', ['good']],
  ['the peer holds it', seen({assigned: false, claims: others.slice(1)}), 'gate', ['good']],
  ['the real server answers ARP', seen({claims: [mac]}), 'gate', ['answers-arp']],
  ['another machine answers too', seen({claims: others.slice(1)}), 'gate', ['two-holders', 'good']],
  ['two others answer', seen({assigned: false, claims: others}), 'gate', ['two-holders', 'good']],
  ['nobody answers', seen({assigned: false}), 'gate', ['nobody-answers', 'good']],
  ['no ARP request was sent', seen({assigned: false, asked: false}), 'gate', ['good']],
  ['it has no VIP', seen({}, {}, false), 'gate', ['no-vip']],
  ['it is down', seen({}, {mac: undefined as unknown as string}, false), 'gate', ['silent']],
  ['it is elsewhere', seen({}, {onLink: false}, false), 'gate', ['not-here']],
  ['it is this machine', seen({}, {local: true}, false), 'gate', ['good']],
  ['its answers come back', seen({}), 'masq', ['good']],
  ['its answers do not come back', seen({}, {returned: false}), 'masq', ['wrong-route']],
  ['it answers no echo', seen({}, {answers: false, returned: false}), 'masq', ['silent']],
] as const)
  // prettier-ignore
  test(`verify: ${name}`, (t) => {
    const findings = judge([{...target, method}], observed);
    t.deepEqual(findings.map(({code}) => code), [...codes]); // prettier-ignore
    for (const {level, help} of findings) t.is(level === 'good', help === undefined);
  });
