/** Users of this machine, by /etc/passwd. */
import {readFileSync} from 'node:fs';
import type {User} from '@hactl/base/run';

/** The user that the package creates for checks and external commands. */
export const PACKAGE_USER = 'hactl-check';

/** undefined: there is no such user. */
export function findUser(name: string, passwd = readFileSync('/etc/passwd', 'utf8')): User | undefined {
  const line = passwd.split('\n').find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid, , home = '/'] = line?.split(':') ?? [];
  return line === undefined ? undefined : {name, uid: Number(uid), gid: Number(gid), home};
}
