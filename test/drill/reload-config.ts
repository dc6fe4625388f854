/** The pairs of seeds 001 and 004 on the same machines: two configurations between which a running pair switches. Pure. */
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
 * As printed except for names, addresses, intervals and `autoreload`: with yes each director would reload the file a second
 * after it was written, and a push would have nothing to do. Seed 004 prints no ha.cf: uses seed 001's with other intervals.
 */
export function reloadConfigs(input: ReloadConfigInput): Readonly<Record<'001' | '004', DrillConfig>> {
  const {seeds, vip, webs, device} = input;
  const [first] = input.directors;
  const files = (intervals: {keepalive: string; deadtime: string}, ldirectordCf: string): DrillConfig =>
    drillConfig({
      ...input,
      ...intervals,
      preemptDelay: '0',
      // The tutorial's key is md5: a push signed with it is accepted only if ha.cf allows it.
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
