/**
 * `hactl_track_script TIME COMMAND …` of ha.cf: each command is run every TIME; while it fails (or does not end within its
 * interval) this director counts as having lost one of the things that are watched, as with ping nodes.
 */
import {spawn, type ChildProcess} from 'node:child_process';
import {signalGroup} from '@hactl/base';
import type {TrackedScript} from '@hactl/config';
import type {Log} from '../system/log.ts';

export interface ScriptTracker {
  /** Starts anew with these scripts; nothing is lost before it has failed once. */
  configure(scripts: readonly TrackedScript[]): void;
  readonly lost: number;
  stop(): void;
}

interface Tracked {
  readonly script: TrackedScript;
  timer?: NodeJS.Timeout;
  child?: ChildProcess;
  failing: boolean;
}

/** `changed` is told the new number of failing scripts. */
export function trackScripts(log: Log, changed: (lost: number) => void): ScriptTracker {
  let all: Tracked[] = [];
  const lost = (): number => all.filter((one) => one.failing).length;

  function settle(one: Tracked, how: string | undefined): void {
    if (!all.includes(one)) return;
    const failing = how !== undefined;
    if (failing === one.failing) return;
    one.failing = failing;
    const name = one.script.words.join(' ');
    log(failing ? 'warn' : 'info', failing ? `track script ${name}: ${how}` : `track script ${name} passes again`);
    changed(lost());
  } // prettier-ignore

  function run(one: Tracked): void {
    // Not beside itself: one that outlasts its interval is ended by its own limit.
    if (one.child) return;
    const [file = '', ...words] = one.script.words;
    const child = spawn(file, words, {detached: true, stdio: 'ignore'});
    one.child = child;
    const limit = setTimeout(() => signalGroup(child, 'SIGKILL'), one.script.every);
    const done = (how: string | undefined): void => {
      clearTimeout(limit);
      delete one.child;
      settle(one, how);
    };
    child.on('error', (error) => done(error.message));
    child.on('exit', (code, signal) =>
      done(
        code === 0
          ? undefined
          : `ended with ${signal === 'SIGKILL' ? 'no answer within its interval' : (signal ?? code)}`,
      ),
    );
  }

  const stop = (): void => {
    for (const one of all) {
      clearInterval(one.timer);
      signalGroup(one.child, 'SIGKILL');
    }
    all = [];
  };

  return {
    configure: (scripts) => {
      if (JSON.stringify(scripts) === JSON.stringify(all.map(({script}) => script))) return;
      stop();
      all = scripts.map((script) => ({script, failing: false}));
      for (const one of all) {
        one.timer = setInterval(() => run(one), one.script.every);
        run(one);
      }
      changed(0);
    },
    get lost() {
      return lost();
    },
    stop,
  };
}
