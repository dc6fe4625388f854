/**
 * `hactl_track_script TIME COMMAND …` of ha.cf: each command runs every TIME; while it fails (or does not end within its
 * interval) it counts as one tracked failure of this director, like a dead ping node.
 */
import type {ChildProcess} from 'node:child_process';
import {signalGroup} from '@hactl/base';
import {runLimited} from '@hactl/base/run';
import type {TrackedScript} from '@hactl/config';
import type {Log} from '../system/log.ts';
import {shownCommand} from '../system/shown.ts';

export interface ScriptTracker {
  /** Restarts with these scripts; a script counts as passing until it fails. */
  configure(scripts: readonly TrackedScript[]): void;
  readonly lost: number;
  stop(): void;
}

interface Tracked {
  readonly script: TrackedScript;
  timer?: NodeJS.Timeout;
  child?: ChildProcess;
  busy?: boolean;
  failing: boolean;
}

/** `changed` receives the new number of failing scripts. */
export function trackScripts(log: Log, changed: (lost: number) => void): ScriptTracker {
  let all: Tracked[] = [];
  const lost = (): number => all.filter((script) => script.failing).length;

  function settle(tracked: Tracked, how: string | undefined): void {
    if (!all.includes(tracked)) return;
    const failing = how !== undefined;
    if (failing === tracked.failing) return;
    tracked.failing = failing;
    const name = shownCommand(tracked.script.words);
    log(failing ? 'warn' : 'info', failing ? `track script ${name}: ${how}` : `track script ${name} passes again`);
    changed(lost());
  } // prettier-ignore

  async function run(tracked: Tracked): Promise<void> {
    // Never two runs at once: one that outlasts its interval is killed by its time limit.
    if (tracked.busy) return;
    tracked.busy = true;
    const [file = '', ...words] = tracked.script.words;
    const {status, timedOut, unstarted} = await runLimited(file, words, {
      limit: tracked.script.every,
      read: 'none',
      started: (child) => (tracked.child = child),
    });
    tracked.busy = false;
    delete tracked.child;
    if (status === 0) settle(tracked, undefined);
    else if (unstarted) settle(tracked, String(status));
    else settle(tracked, `ended with ${timedOut ? 'no answer within its interval' : status}`);
  }

  const stop = (): void => {
    for (const tracked of all) {
      clearInterval(tracked.timer);
      signalGroup(tracked.child, 'SIGKILL');
    }
    all = [];
  };

  return {
    configure: (scripts) => {
      if (JSON.stringify(scripts) === JSON.stringify(all.map(({script}) => script))) return;
      stop();
      all = scripts.map((script) => ({script, failing: false}));
      for (const tracked of all) {
        tracked.timer = setInterval(() => void run(tracked), tracked.script.every);
        void run(tracked);
      }
      changed(0);
    },
    get lost() {
      return lost();
    },
    stop,
  };
}
