/** Seed 001's pair and seed 004's, on the same machines: two configurations that a running pair goes between. Pure. */
import {drillConfig, type DrillConfig, type DrillConfigInput} from './config.ts';

export interface ReloadConfigInput extends Omit<
  DrillConfigInput,
  'seeds' | 'keepalive' | 'deadtime' | 'preemptDelay'
> {
  readonly seeds: {
    readonly haCf: string;
    readonly authkeys: string;
    readonly haresources001: string;
    readonly haresources004: string;
    readonly ldirectord001: string;
    readonly ldirectord004: string;
  };
}

/**
 * As printed but for names, addresses and intervals, and `autoreload`: with yes each director would take the file into use
 * a second after it was written, and a push would find nothing to do. Seed 004 prints no ha.cf: seed 001's, with other
 * intervals.
 */
export function reloadConfigs(input: ReloadConfigInput): Readonly<Record<'001' | '004', DrillConfig>> {
  const {seeds, vip, webs, device} = input;
  const [first] = input.directors;
  const files = (intervals: {keepalive: string; deadtime: string}, ldirectordCf: string): DrillConfig =>
    drillConfig({
      ...input,
      ...intervals,
      preemptDelay: '0',
      // The tutorial's key is one of md5: a push with it is taken only where ha.cf says so.
      seeds: {
        haCf: `${seeds.haCf}\nhactl_push on\n`,
        authkeys: seeds.authkeys,
        haresources: seeds.haresources001,
        ldirectordCf,
      },
    });
  const still = (text: string): string => text.replace(/^autoreload *=.*$/m, 'autoreload=no');
  return {
    '001': files(
      {keepalive: '2', deadtime: '20'},
      still(seeds.ldirectord001)
        .replaceAll('10.10.10.53', vip)
        .replace('192.168.200.102', webs[0] ?? '')
        .replace('192.168.200.103', webs[1] ?? ''),
    ),
    '004': {
      ...files({keepalive: '3', deadtime: '30'}, still(seeds.ldirectord004)),
      haresources: seeds.haresources004
        .replace('ha-balancer-1', first)
        .replace('192.168.0.100', vip)
        .replaceAll(/\beth0\b/g, device),
    },
  };
}
