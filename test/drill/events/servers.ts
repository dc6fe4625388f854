/** Real servers that die, hang and answer wrongly. */
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
  summary: 'a real server is killed, and comes back',
  safe: false,
  usual: true,
  needs: ['servers'],
  events: [
    {
      name: 'web2 is killed',
      // The streams on the dead server die with it: that is the server's death, not the director's.
      expected: {lost: Infinity, streamsKept: false, both: 0},
      act: async (scene) => {
        const {web, client, limit} = scene;
        const host = victim(scene);
        const at = performance.now();
        await web.kill(host);
        await webOut(scene, 'director1', host);
        const took = Math.round(performance.now() - at);
        // From a port that they have seen it come from: the directors know that connection yet, and its real.
        client.write(`again ${host}`);
        const again = await until('the same port is answered', limit, () =>
          client.lines.find((line) => line.includes('"again":')),
        );
        if (again.includes('"error":')) throw new Error(`a client that came again from its port: ${again}`);
        return `out after ${took} ms`;
      },
    },
    back('web2 is back', (scene) => scene.web.start(victim(scene))),
  ],
};

export const serverHang: Drill<Scene> = {
  name: 'server-hang',
  summary: 'a real server accepts connections and answers none',
  safe: false,
  usual: false,
  needs: ['servers', 'freeze'],
  events: [
    {
      name: 'web2 hangs',
      // Nobody resets the streams on it: they wait, and go on when it wakes.
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
  summary: 'a real server answers something else than ldirectord.cf expects',
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
        // The seed's `fallback=127.0.0.1:80 gate`: the page that says sorry, on the director itself.
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
        // No director is better off with the addresses: they stay.
        if (!(await cluster.holds('director1'))) throw new Error('director1 gave its address away');
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
