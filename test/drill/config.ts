/** The seeds' configuration files, with only names, addresses and intervals replaced. Pure. */

export interface DrillConfigInput {
  /** Seed files, verbatim, by name. */
  readonly seeds: {
    readonly haCf: string;
    readonly haresources: string;
    readonly authkeys: string;
    readonly ldirectordCf: string;
  };
  readonly vip: string;
  /** In file order; the first is the preferred node. */
  readonly directors: readonly [string, string];
  readonly webs: readonly string[];
  readonly device: string;
  readonly keepalive: string;
  readonly deadtime: string;
  /** Preempt delay of a recovered director: the kernel's sync daemons need time. */
  readonly preemptDelay: string;
}

export interface DrillConfig {
  readonly 'ha.cf': string;
  readonly haresources: string;
  readonly authkeys: string;
  readonly 'ldirectord.cf': string;
}

/**
 * Seed 001's ha.cf, haresources and authkeys with seed 004's ldirectord.cf (three real servers behind a pair), as printed:
 * lost indentation, a typographic quote, an ipfail path that no distribution has. The tutorial has one node; a second `node`
 * line, the intervals and the preempt delay are our only additions.
 */
export function drillConfig(input: DrillConfigInput): DrillConfig {
  const {seeds, vip, webs, device} = input;
  const [first, second] = input.directors;
  const broadcast = vip.replace(/\d+$/, '255');
  return {
    'ha.cf': seeds.haCf
      .replace(/^keepalive .*$/m, `keepalive ${input.keepalive}`)
      .replace(
        /^deadtime .*$/m,
        `deadtime ${input.deadtime}\ninitdead ${input.deadtime}\nhactl_preempt_delay ${input.preemptDelay}`,
      )
      .replaceAll(/\beth0\b/g, device)
      .replace(/^node .*$/m, `node ${first}\nnode ${second}`),
    haresources: seeds.haresources
      .replace('ld.example.com', first)
      .replace('10.10.10.255', broadcast)
      .replace('10.10.10.53', vip)
      .replaceAll(/\beth0\b/g, device)
      .replace('LVSSyncDaemonSwap::master', `LVSSyncDaemonSwap::master::${device}`),
    authkeys: seeds.authkeys,
    // A site with fewer web servers than the tutorial drops the last ones.
    'ldirectord.cf': webs
      .reduce(
        (text, web, index) => text.replace(`192.168.0.${50 + index}`, web),
        seeds.ldirectordCf.replaceAll('192.168.0.100', vip),
      )
      .replace(/^\s*real=192\.168\.0\..*\n/gm, ''),
  };
}
