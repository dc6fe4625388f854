/** User accounts of this machine by name. */
import {readFileSync} from 'node:fs';
import type {Account} from '@hactl/net/privileges';

/** The package's own user, for the checks and for external commands. */
const PACKAGE_USER = 'hactl-check';

/** The account of that name; undefined when there is none. */
export function accountOf(name: string, file = '/etc/passwd'): Account | undefined {
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [user, , uid = '', gid = ''] = line.split(':');
    if (user === name && /^\d+$/.test(uid) && /^\d+$/.test(gid))
      return {name, uid: Number(uid), gid: Number(gid)};
  }
  return undefined;
}

export interface Accounts {
  /** The user for checks; undefined: no such account, so root. */
  readonly check?: Account;
  /** The user for external commands; undefined: root. */
  readonly script?: Account;
  readonly warnings: readonly string[];
}

/** The users of the checks: as configured, else the package's, else `nobody` with commands running as root. */
export function chooseAccounts(
  {checkUser, scriptUser}: {readonly checkUser?: string; readonly scriptUser?: string},
  find: (name: string) => Account | undefined = accountOf,
): Accounts {
  const warnings: string[] = [];
  const named = (name: string | undefined, directive: string): Account | undefined => {
    const account = name === undefined ? undefined : find(name);
    if (name !== undefined && !account) warnings.push(`${directive} ${name}: there is no such user`);
    return account;
  };
  const check = named(checkUser, 'hactl_check_user') ?? find(PACKAGE_USER) ?? find('nobody');
  const script = named(scriptUser, 'hactl_script_user') ?? find(PACKAGE_USER);
  if (!check) warnings.push('no user account for the checks: checks run as root');
  // `hactl_script_user root`: commands keep root's capabilities, as without an account for them.
  return {...(check ? {check} : {}), ...(script && script.uid !== 0 ? {script} : {}), warnings};
}
