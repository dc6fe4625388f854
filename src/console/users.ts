/** The console's users: names, roles and argon2id password hashes, in one file that only the console may read. */
import {argon2, createHash, randomBytes, timingSafeEqual} from 'node:crypto';
import {readFileSync, rmSync} from 'node:fs';
import {promisify} from 'node:util';
import type {WallTime} from '@hactl/base';
import {replaceFile} from '@hactl/base/files';
import {roles, type Role} from './sessions.ts';

const derive = promisify(argon2);

/** OWASP's first argon2id parameter set: 46 MiB, one pass, one lane; a flood of logins remains affordable. */
const COST = {passes: 1, memory: 47_104, parallelism: 1, tagLength: 32} as const;

export interface User {
  readonly name: string;
  readonly role: Role;
  /** Base64. */
  readonly salt: string;
  readonly hash: string;
}

/** Length rather than composition rules (NIST SP 800-63B). */
export const PASSWORD_LEAST = 12;
const PASSWORD_MOST = 256;

/** Why a new user is invalid; undefined: valid. */
export function userProblem(name: string, role: string, password: string): string | undefined {
  if (!/^[a-z][a-z0-9._-]{0,31}$/.test(name))
    return 'a name starts with a letter and has at most 32 characters of a-z, 0-9, dot, dash and underscore';
  if (!(roles as readonly string[]).includes(role)) return `the role must be one of ${roles.join(', ')}`;
  if (password.length < PASSWORD_LEAST || password.length > PASSWORD_MOST)
    return `a password has ${PASSWORD_LEAST} to ${PASSWORD_MOST} characters`;
  return undefined;
}

const hashOf = async (password: string, salt: Buffer): Promise<Buffer> =>
  derive('argon2id', {message: password.normalize('NFKC'), nonce: salt, ...COST});

export async function makeUser(name: string, role: Role, password: string): Promise<User> {
  const salt = randomBytes(16);
  const hash = await hashOf(password, salt);
  return {name, role, salt: salt.toString('base64'), hash: hash.toString('base64')};
}

const nobody: User = {
  name: '',
  role: 'viewer',
  salt: Buffer.alloc(16).toString('base64'),
  hash: Buffer.alloc(32).toString('base64'),
};

/** Takes as long for an unknown user as for a wrong password. */
export async function passwordFits(user: User | undefined, password: string): Promise<boolean> {
  const {salt, hash} = user ?? nobody;
  if (password.length > PASSWORD_MOST) return false;
  const found = await hashOf(password, Buffer.from(salt, 'base64'));
  return timingSafeEqual(found, Buffer.from(hash, 'base64')) && user !== undefined;
}

/** Validity of the one-time link for the first administrator, which root creates on the shell: 15 minutes. */
export const LINK_LIMIT_MS = 15 * 60_000;

interface Link {
  /** SHA-256 of the token, hex. */
  readonly digest: string;
  readonly until: WallTime;
}

const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex');

const readJson = (file: string): unknown => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

function writeJson(file: string, value: unknown): void {
  replaceFile(file, JSON.stringify(value, undefined, 2) + '\n', 0o600);
}

export interface UserStore {
  list(): readonly User[];
  find(name: string): User | undefined;
  put(user: User): void;
  remove(name: string): void;
  /** Consumes a first-user token; false: wrong, expired, or a user exists already. */
  redeem(token: string, now: WallTime): boolean;
}

export function openUsers(stateDir: string): UserStore {
  const file = `${stateDir}/users.json`;
  const read = (): User[] => (readJson(file) as {users: User[]} | undefined)?.users ?? [];
  return {
    list: read,
    find: (name) => read().find((user) => user.name === name),
    put: (user) => writeJson(file, {users: [...read().filter(({name}) => name !== user.name), user]}),
    remove: (name) => writeJson(file, {users: read().filter((user) => user.name !== name)}),
    redeem: (token, now) => {
      const link = readJson(`${stateDir}/first-user.json`) as Link | undefined;
      if (!link || now > link.until || link.digest !== digestOf(token)) return false;
      rmSync(`${stateDir}/first-user.json`);
      return true;
    },
  };
}

/** Creates the one-time token; the file stores only its digest. */
export function makeFirstLink(stateDir: string, now: WallTime): string {
  const token = randomBytes(24).toString('base64url');
  writeJson(`${stateDir}/first-user.json`, {
    digest: digestOf(token),
    until: now + LINK_LIMIT_MS,
  } satisfies Link);
  return token;
}
