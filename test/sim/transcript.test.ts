/**
 * Human-readable transcripts of the pair: commands, a line of dashes, and the reaction of both directors, in milliseconds. After
 * an intended change, `HACTL_REWRITE=1` rewrites them; review the difference.
 */
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import type {Effect, Event} from '@hactl/failover';
import test from 'ava';
import {makePair, names, type Name, type Pair} from './pair.ts';

const folder = path.join(import.meta.dirname, 'transcripts');

const isName = (word: string | undefined): word is Name => names.some((name) => name === word);

/** Executes one command. Throws on unknown ones. */
function command(pair: Pair, line: string): void {
  const [verb, ...words] = line.split(' ');
  const [first, second] = words;
  if (verb === 'run') return pair.runFor(Number(first));
  if (verb === 'cut' || verb === 'mend') {
    const change = verb === 'cut' ? 1 : -1;
    if (first === 'lan') pair.world.lan.cut += change;
    for (const name of names) if (first === 'heartbeats' || first === name) pair.way(name).cut += change;
    return;
  }
  if (!isName(first)) throw new Error(`no such command: ${line}`);
  const device: Event = {type: 'device', device: 'eth0'};
  switch (verb) {
    case 'boot':
      return pair.boot(first);
    case 'power-off':
      return pair.crash(first);
    case 'freeze':
      return pair.pause(first, Number(second));
    case 'stop':
      return pair.feed(first, {type: 'stop', leaveAddresses: false});
    case 'no-carrier':
      return pair.feed(first, {...device, problem: 'eth0 has no carrier'});
    case 'carrier':
      return pair.feed(first, device);
    case 'standby':
    case 'takeover':
    case 'failback':
      return pair.feed(first, {type: 'move', id: 1, move: verb, scope: 'all'});
    default:
      throw new Error(`no such command: ${line}`);
  }
}

/** Describes an effect; undefined: routine. */
function textOf(effect: Effect): string | undefined {
  const vips = 'vips' in effect ? effect.vips.map(({address}) => address).join(' ') : '';
  switch (effect.type) {
    case 'acquire':
      return `+ ${vips}`;
    case 'release':
      return `- ${vips}`;
    case 'announce':
      return `announces ${vips}`;
    case 'transition':
      return `${effect.transition.from} -> ${effect.transition.to}: ${effect.transition.reason}`;
    case 'event':
      return `${effect.level}: ${effect.message}`;
    case 'move-done':
      return `move ${effect.ok ? 'done' : 'failed'}: ${effect.reason}`;
    case 'fence':
      return `fences ${effect.node}`;
    case 'stopped':
      return 'stopped';
    default:
      return undefined;
  }
}

/** Keeps commands and comments, and replaces the outcome of each block. */
function play(transcript: string): string {
  const pair = makePair({seed: 7});
  const start = pair.world.now;
  const out: string[] = [];
  for (const block of transcript.trim().split('\n\n')) {
    const commands = block.split('\n----\n')[0]?.split('\n') ?? [];
    pair.log.length = 0;
    for (const line of commands) if (!line.startsWith('#')) command(pair, line);
    const lines = pair.log.flatMap(({at, node, effect}) => {
      const text = textOf(effect);
      return text === undefined ? [] : [`${(at - start).toFixed(1).padStart(8)}  ${node}  ${text}`];
    });
    const holders = pair.holders().join(' and ');
    out.push([...commands, '----', ...lines, `${' '.repeat(8)}  held by ${holders || 'nobody'}`].join('\n'));
  }
  return `${out.join('\n\n')}\n`;
}

for (const name of readdirSync(folder))
  test(`${name}: the pair does what the transcript says`, (t) => {
    const file = path.join(folder, name);
    const expected = readFileSync(file, 'utf8');
    const played = play(expected);
    if (process.env['HACTL_REWRITE'] !== undefined) writeFileSync(file, played);
    t.is(played, process.env['HACTL_REWRITE'] === undefined ? expected : played);
  });
