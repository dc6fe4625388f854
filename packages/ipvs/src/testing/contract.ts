/** What every IpvsClient promises, as a list of checks: run against the table in memory and against the kernel. */
import type {ExecutionContext} from 'ava';
import type {Destination, IpvsClient, Operation, Service, ServiceKey} from '../model.ts';
import {IpvsError} from '../error.ts';
import {schedulers} from './memory.ts';
import {keyText, plan, sameService} from '../plan.ts';

const flags = {ops: false, flag1: false, flag2: false, flag3: false};
const web: ServiceKey = {kind: 'address', family: 4, protocol: 'tcp', address: '10.77.0.100', port: 80};
const service = (key: ServiceKey, more: Partial<Service> = {}): Service => ({
  key,
  scheduler: 'wlc',
  flags,
  netmask: key.family === 4 ? 32 : 128,
  ...more,
});
const real = (more: Partial<Destination> = {}): Destination => ({
  family: 4,
  address: '10.77.0.11',
  port: 80,
  forward: 'gate',
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
  ...more,
});

/** One promise: a title and its check, which starts with an empty table. */
export interface Promised {
  readonly title: string;
  readonly check: (t: ExecutionContext, ipvs: IpvsClient) => Promise<void>;
}

const refused = async (
  t: ExecutionContext,
  ipvs: IpvsClient,
  code: string,
  operation: Operation,
): Promise<void> => {
  const error = await t.throwsAsync(ipvs.apply(operation), {instanceOf: IpvsError});
  t.is(error?.code, code, operation.type);
};

const services: readonly (readonly [string, Service])[] = [
  ...schedulers.map((scheduler) => [`scheduler ${scheduler}`, service(web, {scheduler})] as const),
  [
    'a UDP service with one-packet scheduling',
    service({...web, protocol: 'udp'}, {flags: {...flags, ops: true}}),
  ],
  ['an IPv6 service', service({...web, family: 6, address: '2001:db8:77::100'})],
  ['a firewall mark', service({kind: 'fwmark', family: 4, mark: 7})],
  ['a firewall mark for IPv6', service({kind: 'fwmark', family: 6, mark: 7})],
  ['persistence with a netmask', service(web, {persistent: 600, netmask: 24})],
  ['a non-contiguous mask', service(web, {persistent: 600, netmask: 2, mask: '0.0.0.24'})],
  [
    'persistence for IPv6',
    service({...web, family: 6, address: '2001:db8:77::100'}, {persistent: 360, netmask: 64}),
  ],
  ['scheduler flags', service(web, {scheduler: 'sh', flags: {...flags, flag1: true, flag2: true}})],
];

/** The whole contract. */
export const contract: readonly Promised[] = [
  ...services.map(([title, wanted]): Promised => ({
    title: `${title} is read back as written`,
    check: async (t, ipvs) => {
      try {
        await ipvs.apply({type: 'new-service', service: wanted});
      } catch (error) {
        // Debian 12's kernel lacks twos: only its error can be checked there.
        if (wanted.scheduler !== 'twos' || !(error instanceof IpvsError)) throw error;
        t.is(error.code, 'ENOENT');
        t.log('this kernel has no scheduler twos');
        return;
      }
      const [found, ...others] = await ipvs.list();
      t.is(others.length, 0);
      t.deepEqual(found?.service.key, wanted.key);
      t.true(found !== undefined && sameService(found.service, wanted));
      t.deepEqual(plan(found ? [found] : [], [{service: wanted, destinations: []}]), []);
    },
  })),
  {
    title: 'destinations: forwarding, weight, thresholds; edits in place; removal',
    check: async (t, ipvs) => {
      await ipvs.apply({type: 'new-service', service: service(web)});
      const wanted = [
        real(),
        real({address: '10.77.0.12', forward: 'masq', port: 8080, weight: 0}),
        real({address: '10.77.0.13', forward: 'ipip', weight: 65_535, upperThreshold: 9, lowerThreshold: 3}),
      ];
      for (const destination of wanted) await ipvs.apply({type: 'new-dest', key: web, destination});
      t.deepEqual(plan(await ipvs.list(), [{service: service(web), destinations: wanted}]), []);
      const edited = wanted.map((destination) => ({...destination, weight: 5}));
      for (const destination of edited) await ipvs.apply({type: 'set-dest', key: web, destination});
      t.deepEqual(plan(await ipvs.list(), [{service: service(web), destinations: edited}]), []);
      await ipvs.apply({type: 'del-dest', key: web, destination: real()});
      t.is((await ipvs.list())[0]?.destinations.length, 2);
      t.is((await ipvs.list())[0]?.statistics.connections, 0n);
    },
  },
  {
    title: 'tunnels: plain, GUE, GRE, and changes between them',
    check: async (t, ipvs) => {
      await ipvs.apply({type: 'new-service', service: service(web)});
      const tunnels = [
        undefined,
        {type: 'gue', port: 6080, checksum: 'none'},
        {type: 'gue', port: 6081, checksum: 'full'},
        {type: 'gue', port: 6082, checksum: 'remote'},
        {type: 'gre', port: 0, checksum: 'none'},
        {type: 'gre', port: 0, checksum: 'full'},
      ] as const;
      const made = (shift: number): Destination[] =>
        tunnels.map((_, index) => {
          const tunnel = tunnels[(index + shift) % tunnels.length];
          return real({address: `10.77.1.${index}`, forward: 'ipip', ...(tunnel ? {tunnel} : {})});
        });
      for (const destination of made(0)) await ipvs.apply({type: 'new-dest', key: web, destination});
      t.deepEqual(plan(await ipvs.list(), [{service: service(web), destinations: made(0)}]), []);
      const changes = plan(await ipvs.list(), [{service: service(web), destinations: made(1)}]);
      t.is(changes.length, tunnels.length);
      for (const change of changes) await ipvs.apply(change);
      t.deepEqual(plan(await ipvs.list(), [{service: service(web), destinations: made(1)}]), []);
    },
  },
  {
    title: 'IPv6 destinations',
    check: async (t, ipvs) => {
      const key: ServiceKey = {...web, family: 6, address: '2001:db8:77::100'};
      const destinations = [real({family: 6, address: '2001:db8:77::11'})];
      for (const operation of plan([], [{service: service(key), destinations}])) await ipvs.apply(operation);
      t.deepEqual(plan(await ipvs.list(), [{service: service(key), destinations}]), []);
    },
  },
  {
    title: 'a single service reads as in the list; a missing one is undefined',
    check: async (t, ipvs) => {
      const mark: ServiceKey = {kind: 'fwmark', family: 6, mark: 3};
      for (const key of [web, mark, {...web, port: 81}] as const)
        await ipvs.apply({type: 'new-service', service: service(key)});
      for (const address of ['10.77.0.11', '10.77.0.12'])
        await ipvs.apply({type: 'new-dest', key: web, destination: real({address})});
      const all = await ipvs.list();
      for (const key of [web, mark])
        t.deepEqual(
          await ipvs.get(key),
          all.find((observed) => keyText(observed.service.key) === keyText(key)),
        );
      t.is((await ipvs.get(web))?.destinations.length, 2);
      t.is(await ipvs.get({...web, port: 82}), undefined);
      t.is(await ipvs.get({...mark, mark: 4}), undefined);
    },
  },
  {
    title: 'refusals carry the kernel’s code',
    check: async (t, ipvs) => {
      const expected = service(web);
      await refused(t, ipvs, 'ESRCH', {type: 'set-service', service: expected});
      await refused(t, ipvs, 'ESRCH', {type: 'del-service', key: web});
      await refused(t, ipvs, 'ESRCH', {type: 'new-dest', key: web, destination: real()});
      await refused(t, ipvs, 'ENOENT', {
        type: 'new-service',
        service: service(web, {scheduler: 'none-such'}),
      });
      await ipvs.apply({type: 'new-service', service: expected});
      await refused(t, ipvs, 'EEXIST', {type: 'new-service', service: expected});
      await refused(t, ipvs, 'ENOENT', {type: 'set-dest', key: web, destination: real()});
      await refused(t, ipvs, 'ENOENT', {type: 'del-dest', key: web, destination: real()});
      await ipvs.apply({type: 'new-dest', key: web, destination: real()});
      await refused(t, ipvs, 'EEXIST', {type: 'new-dest', key: web, destination: real()});
      for (const address of ['0.0.0.0', '224.0.0.1', '255.255.255.255'])
        await refused(t, ipvs, 'EINVAL', {type: 'new-dest', key: web, destination: real({address})});
      const thresholds = {upperThreshold: 3, lowerThreshold: 4};
      await refused(t, ipvs, 'ERANGE', {type: 'set-dest', key: web, destination: real(thresholds)});
      await refused(t, ipvs, 'ENOENT', {
        type: 'set-service',
        service: service(web, {persistent: 60, persistenceEngine: 'none-such'}),
      });
    },
  },
  {
    title: 'timeouts: zero leaves a value unchanged',
    check: async (t, ipvs) => {
      await ipvs.setTimeouts({tcp: 800, tcpFin: 100, udp: 200});
      await ipvs.setTimeouts({tcp: 0, tcpFin: 90, udp: 0});
      t.deepEqual(await ipvs.timeouts(), {tcp: 800, tcpFin: 90, udp: 200});
    },
  },
  {
    title: 'a sync daemon can be stopped right after its start',
    check: async (t, ipvs) => {
      for (let turn = 0; turn < 2; turn++)
        for (const role of ['master', 'backup'] as const) {
          await ipvs.startSyncDaemon({role, interface: 'lo', syncid: 5});
          await ipvs.stopSyncDaemon(role);
          t.deepEqual(await ipvs.syncDaemons(), []);
        }
    },
  },
  {
    title: 'both sync daemons at once',
    check: async (t, ipvs) => {
      for (const role of ['master', 'backup'] as const)
        await ipvs.startSyncDaemon({role, interface: 'lo', syncid: 5});
      const running = (await ipvs.syncDaemons()).map((syncDaemon) => [
        syncDaemon.role,
        syncDaemon.interface,
        syncDaemon.syncid,
      ]);
      t.deepEqual(
        running.toSorted((left, right) => String(left[0]).localeCompare(String(right[0]))),
        [
          ['backup', 'lo', 5],
          ['master', 'lo', 5],
        ],
      );
      const twice = ipvs.startSyncDaemon({role: 'master', interface: 'lo', syncid: 5});
      t.is((await t.throwsAsync(twice, {instanceOf: IpvsError}))?.code, 'EEXIST');
      for (const role of ['master', 'backup'] as const) await ipvs.stopSyncDaemon(role);
      t.deepEqual(await ipvs.syncDaemons(), []);
      t.is((await t.throwsAsync(ipvs.stopSyncDaemon('master'), {instanceOf: IpvsError}))?.code, 'ESRCH');
    },
  },
];
