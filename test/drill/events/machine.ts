/** Faults of a director's machine and files. */
import type {Drill} from '../../../src/drill/event.ts';
import type {Outcome} from '../../lab/site.ts';
import {until} from '../../lab/until.ts';
import {ordered, OVERLAP_LIMIT, pause, QUIET, YOUNG_LIMIT, type Scene} from '../scene.ts';

const still = {lost: 0, streamsKept: true, both: 0} as const;
const planned = {lost: YOUNG_LIMIT, streamsKept: true, both: OVERLAP_LIMIT} as const;

/** Retries a truncated answer; `undefined` is not a table. */
const weightsOf = ({cluster, limit}: Scene): Promise<string> =>
  until('director1 shows its table', limit, async () => {
    const virtuals = (await cluster.status('director1'))?.virtuals;
    return (
      virtuals && JSON.stringify(virtuals.map(({reals}) => reals.map(({name, weight}) => [name, weight])))
    );
  });

export const brokenFile: Drill<Scene> = {
  name: 'broken-file',
  summary: 'an invalid ldirectord.cf on one director and hactl reload',
  safe: false,
  usual: true,
  needs: [],
  events: [
    {
      name: 'broken file, hactl reload',
      expected: still,
      act: async (scene) => {
        const {site, cluster} = scene;
        const file = `${cluster.configDirectory('director1')}/ldirectord.cf`;
        const good = (await site.run('director1', ['cat', file])).stdout;
        const before = await weightsOf(scene);
        await site.write('director1', file, good.replace('scheduler=rr', 'scheduler=\nnonsense=1'), 0o644);
        const outcome = await cluster.hactl('director1', ['reload']);
        const after = await weightsOf(scene);
        await site.write('director1', file, good, 0o644);
        const mended = await cluster.hactl('director1', ['reload']);
        if (outcome.status === 0) throw new Error('an invalid file was accepted');
        if (!/ldirectord\.cf:\d+:\d+: error/.test(outcome.stderr))
          throw new Error(`no file:line:column in: ${outcome.stderr}`);
        if (before !== after) throw new Error(`the table changed: ${before} -> ${after}`);
        if (mended.status !== 0) throw new Error(`the valid file was refused: ${mended.stderr}`);
        return 'refused with file:line:column, table unchanged';
      },
    },
  ],
};

export const diskFull: Drill<Scene> = {
  name: 'disk-full',
  summary: "the Active director's state directory is full",
  safe: false,
  usual: false,
  needs: ['disk'],
  events: [
    {
      name: "director1's disk is full: standby and failback",
      expected: planned,
      act: async (scene) => {
        const {site, cluster, limit} = scene;
        const state = cluster.stateDirectory('director1');
        // The daemon has its own mount namespace, in the lab as under systemd.
        const snapshot = await cluster.status('director1');
        const pid = snapshot?.processes.find(({name}) => name === 'supervisor')?.pid;
        if (pid === undefined) throw new Error('no pid of the supervisor');
        const seen = (script: string): Promise<Outcome> =>
          site.run('director1', ['nsenter', '--mount', '--target', String(pid), 'sh', '-c', script]);
        const {stdout, stderr} = await seen(
          `mkdir -p ${state} && mount -t tmpfs -o size=64k drill ${state} && cat /dev/zero >${state}/full; df ${state} | tail -n 1`,
        );
        if (!stdout.includes('100%')) throw new Error(`the disk is not full: ${stdout}${stderr}`);
        try {
          await ordered(scene, 'director1', ['standby']);
          await cluster.active('director2', limit);
          await cluster.whole('director1', limit);
          await ordered(scene, 'director2', ['failback']);
          await cluster.active('director1', limit);
        } finally {
          await seen(`umount -l ${state}`);
        }
        return '';
      },
    },
  ],
};

export const clockStep: Drill<Scene> = {
  name: 'clock-step',
  summary: "the Active director's clock is set forward an hour, and back",
  safe: false,
  usual: false,
  needs: ['machine'],
  events: (['+1 hour', '-1 hour'] as const).map((step) => ({
    name: `director1's clock: ${step}`,
    expected: still,
    act: async ({site, cluster}: Scene) => {
      const {status, stderr} = await site.run('director1', ['date', '-s', step]);
      if (status !== 0) throw new Error(`date -s: ${stderr}`);
      await pause(2 * QUIET);
      if (!(await cluster.holds('director1'))) throw new Error('director1 gave up its address');
      return '';
    },
  })),
};

export const memory: Drill<Scene> = {
  name: 'memory',
  summary: 'a process uses nearly all memory of the Active director for ten seconds',
  safe: false,
  usual: false,
  needs: ['machine'],
  events: [
    {
      name: "director1's memory is taken",
      expected: {lost: Infinity, streamsKept: true, both: OVERLAP_LIMIT},
      act: async (scene) => {
        // tail buffers input without line ends; the OOM killer must kill it, not the director.
        const script = `free=$(awk '/MemAvailable/{print $2}' /proc/meminfo); head -c \${free}k /dev/zero | timeout 10 tail >/dev/null; true`;
        await scene.site.run('director1', ['sh', '-c', script]);
        await scene.cluster.whole('director1', scene.limit);
        await scene.cluster.active('director1', scene.limit);
        return '';
      },
    },
  ],
};

export const reboot: Drill<Scene> = {
  name: 'reboot',
  summary: 'the Active director is rebooted gracefully and fails back',
  safe: false,
  usual: false,
  needs: ['machine'],
  events: [
    {
      name: 'director1 is rebooted and takes back',
      expected: planned,
      act: async (scene) => {
        const {cluster, limit} = scene;
        const at = performance.now();
        await cluster.reboot('director1');
        await cluster.active('director2', limit);
        await until('director1 is back', limit, () => cluster.returned('director1'), 1_000);
        await cluster.active('director1', limit);
        await cluster.whole('director1', limit);
        return `failed back ${Math.round((performance.now() - at) / 1_000)} s after`;
      },
    },
  ],
};
