/** The seeds' configuration files with nothing but names, addresses and intervals replaced. Pure. */

export interface DrillConfigInput {
  /** Verbatim seed files by name. */
  readonly seeds: {
    readonly haCf: string;
    readonly haresources: string;
    readonly authkeys: string;
    readonly ldirectordCf: string;
  };
  readonly vip: string;
  /** In file order; the first is the preferred one. */
  readonly directors: readonly [string, string];
  readonly webs: readonly string[];
  readonly device: string;
  readonly keepalive: string;
  readonly deadtime: string;
  /** How long a director that is back lets its peer go on: the kernel's sync daemons need a while. */
  readonly preemptDelay: string;
}

export interface DrillConfig {
  readonly 'ha.cf': string;
  readonly haresources: string;
  readonly authkeys: string;
  readonly 'ldirectord.cf': string;
}

/**
 * Seed 001's ha.cf, haresources and authkeys with seed 004's ldirectord.cf (three reals behind a pair), as printed:
 * lost indentation, typographic quote, the path of an ipfail that no distribution has. The tutorial has one node; a
 * second `node` line, the intervals and the preempt delay are the only lines that are ours.
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
    // A site with fewer web servers than the tutorial leaves the tutorial's last ones out.
    'ldirectord.cf': webs
      .reduce(
        (text, web, index) => text.replace(`192.168.0.${50 + index}`, web),
        seeds.ldirectordCf.replaceAll('192.168.0.100', vip),
      )
      .replace(/^\s*real=192\.168\.0\..*\n/gm, ''),
  };
}
