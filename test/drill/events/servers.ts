/** Real servers that crash, hang or give wrong answers. */
import type {Drill, DrillEvent} from '../../../src/drill/event.ts';
import {until} from '../../lab/until.ts';
import {LOOK} from '../cluster.ts';
import {allWebsUp, webOut, type Scene} from '../scene.ts';

const victim = ({site}: Pick<Scene, 'site'>): string => site.webs[1] ?? '';

const back = (name: string, mend: (scene: Scene) => Promise<void>): DrillEvent<Scene> => ({
  name,
  expected: {lost: 0, streamsKept: true, both: 0},
  act: async (scene) => {
    await mend(scene);
    await allWebsUp(scene, 'director1');
    return 'weight 1 again';
  },
});

export const serverCrash: Drill<Scene> = {
  name: 'server-crash',
  summary: 'a real server is killed and returns',
  safe: false,
  usual: true,
  needs: ['servers'],
  events: [
    {
      name: 'web2 is killed',
      // The streams on the killed server die with it; that is no fault of the director.
      expected: {lost: Infinity, streamsKept: false, both: 0},
      act: async (scene) => {
        const {web, client, limit} = scene;
        const host = victim(scene);
        const at = performance.now();
        await web.kill(host);
        await webOut(scene, 'director1', host);
        const took = Math.round(performance.now() - at);
        // From a source port used before: the directors still have an entry that maps it to the killed real server.
        client.write(`again ${host}`);
        const again = await until('the same port is answered', limit, () =>
          client.lines.find((line) => line.includes('"again":')),
        );
        if (again.includes('"error":')) throw new Error(`a client reusing its source port: ${again}`);
        return `out after ${took} ms`;
      },
    },
    back('web2 is back', (scene) => scene.web.start(victim(scene))),
  ],
};

export const serverHang: Drill<Scene> = {
  name: 'server-hang',
  summary: 'a real server accepts connections but does not answer',
  safe: false,
  usual: false,
  needs: ['servers', 'freeze'],
  events: [
    {
      name: 'web2 hangs',
      // Nobody resets its streams: they stall, and continue when it resumes.
      expected: {lost: Infinity, streamsKept: true, both: 0},
      act: async (scene) => {
        const at = performance.now();
        await scene.web.freeze(victim(scene), 'SIGSTOP');
        await webOut(scene, 'director1', victim(scene));
        return `out after ${Math.round(performance.now() - at)} ms`;
      },
    },
    back('web2 wakes', (scene) => scene.web.freeze(victim(scene), 'SIGCONT')),
  ],
};

export const serverWrong: Drill<Scene> = {
  name: 'server-wrong',
  summary: 'a real server’s answer does not match ldirectord.cf',
  safe: false,
  usual: false,
  needs: ['servers'],
  events: [
    {
      name: 'web2 answers wrongly',
      expected: {lost: 0, streamsKept: true, both: 0},
      act: async (scene) => {
        const at = performance.now();
        await scene.web.answer(victim(scene), 'Under construction\n');
        await webOut(scene, 'director1', victim(scene));
        return `out after ${Math.round(performance.now() - at)} ms`;
      },
    },
    back('web2 answers rightly', (scene) => scene.web.answer(victim(scene))),
  ],
};

export const allServers: Drill<Scene> = {
  name: 'all-servers',
  summary: 'every real server is killed: the fallback server answers',
  safe: false,
  usual: false,
  needs: ['servers'],
  events: [
    {
      name: 'all real servers are killed',
      expected: {lost: Infinity, streamsKept: false, both: 0},
      act: async (scene) => {
        const {site, web, cluster, limit} = scene;
        // The seed's `fallback=127.0.0.1:80 gate`: the sorry page on the director itself.
        await web.start('director1');
        const at = performance.now();
        await Promise.all(site.webs.map((host) => web.kill(host)));
        for (const host of site.webs)
          // oxlint-disable-next-line no-await-in-loop -- whichever is last.
          await webOut(scene, 'director1', host);
        await until(
          'the fallback server is in the table',
          limit,
          async () => {
            const snapshot = await cluster.status('director1');
            const fallback = snapshot?.virtuals[0]?.reals.find((real) => real.check === 'fallback');
            return (fallback?.weight ?? 0) > 0;
          },
          LOOK,
        );
        // A failover would not help: the addresses stay.
        if (!(await cluster.holds('director1'))) throw new Error('director1 gave up its address');
        return `fallback after ${Math.round(performance.now() - at)} ms`;
      },
    },
    {
      name: 'the real servers are back',
      expected: {lost: 0, streamsKept: true, both: 0},
      act: async (scene) => {
        const {site, web} = scene;
        await Promise.all(site.webs.map((host) => web.start(host)));
        await allWebsUp(scene, 'director1');
        await web.kill('director1');
        return 'weight 1 again';
      },
    },
  ],
};
