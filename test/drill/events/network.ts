/** Lost links and adverts, and an address claimed by another host. */
import type {Drill} from '../../../src/drill/event.ts';
import {until} from '../../lab/until.ts';
import {directors, LOOK} from '../cluster.ts';
import {ordered, OVERLAP_LIMIT, pause, QUIET, YOUNG_LIMIT, type Scene} from '../scene.ts';

const planned = {lost: YOUNG_LIMIT, streamsKept: true, both: OVERLAP_LIMIT} as const;

export const carrier: Drill<Scene> = {
  name: 'carrier-loss',
  summary: 'the Active director’s cable is unplugged and plugged in again',
  safe: false,
  usual: false,
  needs: ['link'],
  events: [
    {
      name: 'director1 loses its carrier',
      // The disconnected director may keep the address for a while: it is invisible on the LAN.
      expected: {lost: Infinity, streamsKept: true, both: Infinity},
      act: async ({cluster, limit}) => {
        const at = Date.now();
        await cluster.cutLink('director1');
        await cluster.active('director2', limit);
        const taken = cluster.holdings.findLast((one) => one.director === 'director2' && one.holds);
        return `director2 has the address ${taken === undefined ? '?' : Math.round(taken.at - at)} ms after`;
      },
    },
    {
      name: 'director1 has its carrier again',
      expected: planned,
      act: async ({cluster, limit}) => {
        await cluster.restoreLink('director1');
        await cluster.active('director1', limit);
        await cluster.whole('director1', limit);
        await until(
          'director2 released the address',
          limit,
          async () => !(await cluster.holds('director2')),
          LOOK,
        );
        return '';
      },
    },
  ],
};

export const flap: Drill<Scene> = {
  name: 'port-flap',
  summary: 'the Active director’s switch port flaps three times',
  safe: false,
  usual: false,
  needs: ['link'],
  events: [
    {
      name: "director1's port flaps",
      expected: {lost: Infinity, streamsKept: true, both: OVERLAP_LIMIT},
      act: async ({cluster, limit}) => {
        for (let times = 0; times < 3; times += 1) {
          // oxlint-disable no-await-in-loop -- down and up, three times.
          await cluster.cutLink('director1');
          await pause(300);
          await cluster.restoreLink('director1');
          await pause(700);
          // oxlint-enable no-await-in-loop
        }
        await cluster.active('director1', limit);
        await cluster.whole('director1', limit);
        return '';
      },
    },
  ],
};

/** Makes a director drop incoming packets that match an nft expression; undefined: removes the rule. */
const dropped = async ({site}: Scene, name: string, match?: string): Promise<void> => {
  const rules =
    match === undefined
      ? 'delete table inet drill'
      : `add table inet drill; add chain inet drill in { type filter hook input priority -300; }; add rule inet drill in ${match} drop`;
  const {status, stderr} = await site.run(name, ['nft', rules]);
  if (status !== 0) throw new Error(`nft on ${name}: ${stderr}`);
};

/** Blocks adverts to these directors; the peer channel and clients are unaffected. */
const deaf = async (scene: Scene, names: readonly string[], isDeaf: boolean): Promise<void> => {
  for (const name of names) {
    // oxlint-disable-next-line no-await-in-loop -- two directors.
    await dropped(scene, name, isDeaf ? 'udp dport 694' : undefined);
    scene.cluster.hear(name, !isDeaf);
  }
};

/** While both directors are Active requests may be lost; streams must survive. */
const healed = {lost: Infinity, streamsKept: true, both: Infinity} as const;

const heal = async (scene: Scene, names: readonly string[]): Promise<string> => {
  const {cluster, limit} = scene;
  await deaf(scene, names, false);
  await until(
    'one director holds the address',
    limit,
    async () => {
      const holders = [await cluster.holds('director1'), await cluster.holds('director2')];
      return holders[0] !== holders[1];
    },
    LOOK,
  );
  await cluster.active('director1', limit);
  await cluster.whole('director2', limit);
  return '';
};

export const oneWay: Drill<Scene> = {
  name: 'one-way',
  summary: 'the standby receives no adverts from the Active director, which receives its adverts',
  safe: false,
  usual: false,
  needs: ['filter'],
  events: [
    {
      name: 'director2 is deaf',
      // Adverts report what their sender receives, so the Active director notices, and one of them releases the address.
      expected: {lost: Infinity, streamsKept: true, both: Infinity},
      act: async (scene) => {
        await deaf(scene, ['director2'], true);
        await pause(3 * QUIET);
        const holders = [await scene.cluster.holds('director1'), await scene.cluster.holds('director2')];
        if (!holders.includes(true)) throw new Error('nobody holds the address');
        return holders[0] && holders[1] ? 'both hold the address' : 'one holder';
      },
    },
    {
      name: 'director2 hears again',
      expected: healed,
      act: (scene) => heal(scene, ['director2']),
    },
  ],
};

export const partition: Drill<Scene> = {
  name: 'partition',
  summary: 'no adverts pass between the directors; both are reachable by everybody else',
  safe: false,
  usual: false,
  needs: ['filter'],
  events: [
    {
      name: 'no advert arrives',
      // With a single path a dead peer and a dead path look the same: both become Active, and both can serve.
      expected: {lost: Infinity, streamsKept: true, both: Infinity},
      act: async (scene) => {
        await deaf(scene, ['director1', 'director2'], true);
        await pause(3 * QUIET);
        const holders = [await scene.cluster.holds('director1'), await scene.cluster.holds('director2')];
        if (!holders.includes(true)) throw new Error('nobody holds the address');
        return holders[0] && holders[1] ? 'both hold the address' : 'one holder';
      },
    },
    {
      name: 'both directors hear again',
      expected: healed,
      act: (scene) => heal(scene, ['director1', 'director2']),
    },
  ],
};

export const syncLoss: Drill<Scene> = {
  name: 'sync-loss',
  summary: "the kernel's sync daemons of the Active director are stopped",
  safe: false,
  usual: false,
  needs: [],
  events: [
    {
      name: "director1's sync daemons are stopped",
      expected: {lost: 0, streamsKept: true, both: 0},
      act: async (scene) => {
        const {site, cluster, limit} = scene;
        const daemons = async (): Promise<number> =>
          (await cluster.status('director1'))?.sync.daemons.length ?? 0;
        const before = await daemons();
        if (before === 0) throw new Error('no sync daemon runs');
        const at = performance.now();
        for (const role of ['master', 'backup'])
          // oxlint-disable-next-line no-await-in-loop -- one daemon after the other.
          await site.run('director1', ['ipvsadm', '--stop-daemon', role]);
        await until(
          'the sync daemons run again',
          limit,
          async () => {
            const {stdout} = await site.run('director1', ['ipvsadm', '-L', '--daemon']);
            return stdout.split('\n').filter((line) => /sync daemon/.test(line)).length >= before;
          },
          LOOK,
        );
        return `${before} daemons run again after ${Math.round(performance.now() - at)} ms`;
      },
    },
    {
      name: 'hactl standby with the new sync daemons',
      expected: planned,
      act: async (scene) => {
        // Connections opened meanwhile are synchronised from their next packets on.
        await pause(QUIET);
        await ordered(scene, 'director1', ['standby']);
        await scene.cluster.active('director2', scene.limit);
        return '';
      },
    },
    {
      name: 'hactl failback with the new sync daemons',
      expected: planned,
      act: async (scene) => {
        await ordered(scene, 'director2', ['failback']);
        await scene.cluster.active('director1', scene.limit);
        return '';
      },
    },
  ],
};

/** Adds the ping node to ha.cf of both directors, or removes it. */
const pinged = async ({site, cluster, limit}: Scene, wanted: boolean): Promise<void> => {
  for (const name of directors) {
    // oxlint-disable no-await-in-loop -- two directors.
    const file = `${cluster.configDirectory(name)}/ha.cf`;
    const text = (await site.run(name, ['cat', file])).stdout.replace(/^ping .*\n/gm, '');
    await site.write(name, file, wanted ? `${text}ping ${site.address('client')}\n` : text, 0o644);
  }
  for (const name of directors) {
    const {status, stdout, stderr} = await cluster.hactl(name, ['reload']);
    if (status !== 0) throw new Error(`hactl reload on ${name}: ${stdout}${stderr}`);
    await cluster.whole(name, limit);
    // oxlint-enable no-await-in-loop
  }
};

export const gateway: Drill<Scene> = {
  name: 'gateway',
  summary: 'the Active director cannot reach its ping node, the standby can',
  safe: false,
  usual: false,
  needs: ['filter'],
  events: [
    {
      name: 'director1 does not reach the gateway',
      // No failure of a director: the addresses are handed over.
      expected: planned,
      before: (scene) => pinged(scene, true),
      act: async (scene) => {
        const at = performance.now();
        await dropped(scene, 'director1', `ip saddr ${scene.site.address('client')} ip protocol icmp`);
        await scene.cluster.active('director2', scene.limit);
        return `director2 is Active ${Math.round(performance.now() - at)} ms after`;
      },
    },
    {
      name: 'director1 reaches the gateway again',
      expected: planned,
      act: async (scene) => {
        await dropped(scene, 'director1');
        await scene.cluster.active('director1', scene.limit);
        await pinged(scene, false);
        return '';
      },
    },
  ],
};

/** A third host, a web server with the VIP on lo, claims the VIP on its device with gratuitous ARP. */
export const stolen: Drill<Scene> = {
  name: 'vip-stolen',
  summary: 'a third host claims the VIP on the LAN',
  safe: false,
  usual: false,
  needs: ['servers', 'filter'],
  events: [
    {
      name: 'web1 claims the VIP',
      // Until the director defends it, the claimer receives the packets of other real servers' streams and resets them.
      expected: {lost: Infinity, streamsKept: false, both: 0},
      act: async ({site, cluster}) => {
        const thief = site.webs[0] ?? '';
        const device = site.device(thief);
        await site.run(thief, ['ip', 'address', 'add', `${site.vip}/24`, 'dev', device]);
        const claim = ['busybox', 'arping', '-q', '-A', '-c', '3', '-I', device, site.vip];
        const {status, stderr} = await site.run(thief, claim);
        await site.run(thief, ['ip', 'address', 'del', `${site.vip}/24`, 'dev', device]);
        if (status !== 0) throw new Error(`${thief} failed to claim the VIP: ${stderr}`);
        if (!(await cluster.holds('director1'))) throw new Error('director1 gave up its address');
        return '';
      },
    },
  ],
};
