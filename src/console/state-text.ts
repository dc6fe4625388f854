/** The output of `hactl console`. Pure. */
import type {User} from './users.ts';

export interface ConsoleState {
  /** URL or socket path. */
  readonly endpoint: string;
  readonly listening: boolean;
  /** SHA-256 of the certificate; none behind a proxy. */
  readonly fingerprint?: string;
  readonly users: readonly Pick<User, 'name' | 'role'>[];
  /** The console user's rights on the director. */
  readonly access: 'change' | 'look' | 'none';
}

const accessText = {
  change: 'may change the pair',
  look: 'read-only: set hactl_admin_group hactl-admin in ha.cf to let it change the pair',
  none: 'no answer from hactld: is it running, and does ha.cf have hactl_admin_group hactl-admin?',
} as const;

/** Lines for a terminal; the last one is the next command to type. */
export function stateText({endpoint, listening, fingerprint, users, access}: ConsoleState): string {
  const next = !listening
    ? 'systemctl enable --now hactl-console'
    : access === 'none'
      ? 'hactl doctor'
      : users.length === 0
        ? 'hactl console link      (a one-time link for the first administrator)'
        : undefined;
  return [
    `console      ${endpoint}${listening ? '' : '  (not running)'}`,
    ...(fingerprint === undefined ? [] : [`certificate  SHA-256 ${fingerprint}`]),
    `users        ${users.length === 0 ? 'none yet' : users.map(({name, role}) => `${name} (${role})`).join(', ')}`,
    `director     ${accessText[access]}`,
    ...(next === undefined ? [] : [`next         ${next}`]),
    '',
  ].join('\n');
}
