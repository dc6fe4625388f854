/** What this machine has and is: read for `hactl init` and `hactl join`. */
import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import os from 'node:os';
import type {Network} from './bundle.ts';
import type {LocalAddress} from './wishes.ts';

/** Every address with its interface. */
export const localAddresses = (): LocalAddress[] =>
  Object.entries(os.networkInterfaces()).flatMap(([device, list]) =>
    (list ?? []).map(({address, cidr, internal}) => ({
      device,
      address: address.replace(/%.*$/, ''),
      prefixLength: Number(cidr?.split('/')[1] ?? 32),
      internal,
    })),
  );

/** What the second director is told, to find its own interfaces. Link-local networks are the same everywhere. */
export const ownNetworks = (): Network[] =>
  localAddresses()
    .filter(({address, internal}) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
    .map(({device, address, prefixLength}) => ({device, address, prefixLength}));

export const isRoot = (): boolean => process.getuid?.() === 0;

/** Who else would move the addresses of this machine: units that are running. */
export type Started =
  {readonly ok: true; readonly text: string} | {readonly ok: false; readonly text: string};

const systemctl = (...words: string[]) => spawnSync('systemctl', words, {encoding: 'utf8'});

/** Starts hactld, or starts it again where it runs; waits until it may serve. */
export function startDaemon(): Started {
  if (!existsSync('/run/systemd/system'))
    return {
      ok: true,
      text: 'there is no systemd here: start hactld by hand, as hactld does it in the foreground',
    };
  const {status, stderr} = systemctl('restart', 'hactld.service');
  if (status !== 0)
    return {
      ok: false,
      text: `hactld did not start: ${stderr.trim().split('\n')[0] ?? ''}; journalctl -u hactld -n 50`,
    };
  systemctl('enable', '--quiet', 'hactld.service');
  return {ok: true, text: 'hactld is running; hactl status shows the pair'};
}
