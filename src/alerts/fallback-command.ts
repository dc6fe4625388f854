/** When ldirectord's fallbackcommand runs, and with which arguments. Pure. */
import type {VirtualService} from '@hactl/config';
import {virtualName} from '../table/services.ts';
import type {VirtualView} from '../table/views.ts';

/** Virtual services whose command was run with `start`, and that command, which a reload may have changed since. */
export type FallbackMemory = ReadonlyMap<string, {readonly command: string; readonly words: string}>;

export interface FallbackRun {
  readonly virtual: string;
  /** For the shell: the command as written, `start` or `stop`, the virtual service's address and its protocol. */
  readonly line: string;
}

/** `VIP:VPORT PROTO`, as ldirectord appends it; a firewall mark replaces the address. */
function wordsOf({address}: VirtualService): string {
  if (address.kind === 'fwmark') return `${address.mark}:0 fwm`;
  const host = address.family === 6 ? `[${address.address}]` : address.address;
  return `${host}:${address.port} ${address.protocol}`;
}

/**
 * Once per change: `start` when the last real server fails; `stop` when the first returns, when this director hands its groups
 * over, when the virtual service is removed and when the daemon stops (which ldirectord omits).
 */
export function fallbackStep(
  memory: FallbackMemory,
  views: readonly VirtualView[],
): {memory: FallbackMemory; runs: FallbackRun[]} {
  const next = new Map(memory);
  const runs: FallbackRun[] = [];
  const stop = (name: string): void => {
    const started = next.get(name);
    if (!started) return;
    next.delete(name);
    runs.push({virtual: name, line: `${started.command} stop ${started.words}`});
  };
  const present = new Set<string>();
  for (const {virtual, inFallback, acting} of views) {
    const name = virtualName(virtual);
    present.add(name);
    const command = virtual.fallbackCommand;
    if (!acting || command === undefined || inFallback === false) stop(name);
    else if (inFallback === true && !next.has(name)) {
      const words = wordsOf(virtual);
      next.set(name, {command, words});
      runs.push({virtual: name, line: `${command} start ${words}`});
    }
  }
  for (const name of memory.keys()) if (!present.has(name)) stop(name);
  return {memory: next, runs};
}
