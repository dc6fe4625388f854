/**
 * Access to the daemon: root and the admin group over `control.sock`, the read group over `control-read.sock`, which answers
 * only read-only commands. The kernel checks the group when a socket is opened; claims by a client are not trusted.
 */
import {execFile} from 'node:child_process';
import {chmodSync, chownSync, statSync} from 'node:fs';
import {promisify} from 'node:util';
import {controlSocket, readSocket} from '../system/paths.ts';
import type {Answerer} from './answers.ts';
import {changesNothing} from './protocol.ts';
import {CommandError} from './error.ts';
import {makeLane} from './lane.ts';
import {serveControl, type ControlLimits} from './server.ts';
import {NAME_LOOKUP_LIMIT_MS} from '../system/limits.ts';

export interface Access {
  readonly adminGroup?: string | undefined;
  readonly readGroup?: string | undefined;
}

export interface Control {
  /** Applies new groups; resolves with the problems, as text. */
  configure(access: Access): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Members of the groups need to traverse the directory, but nobody may list it. */
const DIRECTORY_MODE = 0o711;
const SOCKET_MODE = 0o660;

/** Operators send entire configurations. */
const operatorLimits: Partial<ControlLimits> = {request: 8 << 20};
/** Read-only clients must not use up what operators and the director itself need. */
const lookerLimits: Partial<ControlLimits> = {
  connections: 16,
  answer: 8 << 20,
  unread: 4,
  paced: true,
};

const run = promisify(execFile);

/** A group's id, through NSS; undefined: no such group. */
export async function groupId(name: string): Promise<number | undefined> {
  if (/^\d+$/.test(name)) return Number(name);
  try {
    const {stdout} = await run('getent', ['group', '--', name], {timeout: NAME_LOOKUP_LIMIT_MS});
    const id = Number(stdout.split(':')[2]);
    return Number.isInteger(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Answers read-only commands and refuses others, naming the required group. Sends the peer one request at a time: its few
 * places are reserved for the directors' own work.
 */
export function readOnly(answer: Answerer): Answerer {
  const oneByOne = makeLane();
  return async (command, gone) => {
    if (!changesNothing(command))
      throw new CommandError(
        'not-permitted',
        `your group may look only; ${command.command} needs root or the group of hactl_admin_group (ha.cf)`,
      );
    if (command.command !== 'peer') return answer(command, gone);
    return oneByOne(async () => {
      if (gone?.aborted) throw new CommandError('closed', 'the client has disconnected');
      return answer(command, gone);
    });
  };
}

/** Serves the control socket at once, for root; groups come with `configure`. */
export async function openControl(runDir: string, answer: Answerer): Promise<Control> {
  const path = controlSocket(runDir);
  const main = await serveControl(path, answer, SOCKET_MODE, operatorLimits);
  const socketGroup = statSync(path).gid;
  let given = '{}';
  let reading: {close(): Promise<void>} | undefined;

  async function assignGroup(file: string, group: string, problems: string[]): Promise<boolean> {
    const id = await groupId(group);
    if (id === undefined) {
      problems.push(`there is no group ${group}: it cannot use hactl`);
      return false;
    }
    try {
      chownSync(file, -1, id);
      chmodSync(runDir, DIRECTORY_MODE);
      return true;
    } catch (error) {
      problems.push(`group ${group} cannot use hactl: ${String(error)}`);
      return false;
    }
  }

  /** Failures are retried at the next reload. */
  const done = (problems: readonly string[]): readonly string[] => {
    if (problems.length > 0) given = '';
    return problems;
  };

  return {
    configure: async ({adminGroup, readGroup}) => {
      // A reload that changes nothing here must not interrupt a client being answered.
      const wanted = JSON.stringify({adminGroup, readGroup});
      if (wanted === given) return [];
      given = wanted;
      const problems: string[] = [];
      if (adminGroup === undefined || !(await assignGroup(path, adminGroup, problems)))
        chownSync(path, -1, socketGroup);
      await reading?.close();
      reading = undefined;
      if (readGroup === undefined) return done(problems);
      const file = readSocket(runDir);
      // Root only until the group is known.
      reading = await serveControl(file, readOnly(answer), 0o600, lookerLimits);
      if (await assignGroup(file, readGroup, problems)) chmodSync(file, SOCKET_MODE);
      return done(problems);
    },
    close: async () => {
      await Promise.all([main.close(), reading?.close()]);
    },
  };
}
