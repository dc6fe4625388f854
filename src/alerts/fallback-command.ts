/** When ldirectord's fallbackcommand runs, and with which words. Pure. */
import type {VirtualService} from '@hactl/config';
import {virtualName} from '../table/services.ts';
import type {VirtualView} from '../table/views.ts';

/** Virtuals whose command was run with `start`, and the command, which a reload may since have changed. */
export type FallbackMemory = ReadonlyMap<string, {readonly command: string; readonly words: string}>;

export interface FallbackRun {
  readonly virtual: string;
  /** For the shell: the command as written, `start` or `stop`, the virtual service's address and its protocol. */
  readonly line: string;
}

/** `VIP:VPORT PROTO`, as ldirectord appends it; a firewall mark stands where its address would. */
function wordsOf({address}: VirtualService): string {
  if (address.kind === 'fwmark') return `${address.mark}:0 fwm`;
  const host = address.family === 6 ? `[${address.address}]` : address.address;
  return `${host}:${address.port} ${address.protocol}`;
}

/**
 * Once for each change: `start` when the last real goes, `stop` when the first is back, when this director hands its
 * groups over, when the virtual leaves the configuration and when the daemon ends (which ldirectord forgets).
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
