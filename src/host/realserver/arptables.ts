/** Rules of arptables, as written by arptables-save and the tutorials: which of them hide a VIP, and which are mistakes. Pure. */

export interface ArpRules {
  /** ARP requests for the VIP are dropped. */
  readonly dropped: boolean;
  /** The sender address that replaces the VIP in outgoing ARP. */
  readonly mangledTo?: string;
  readonly faults: readonly string[];
}

/** IN and OUT are chain names of the arptables for kernels before 2.6. */
const incoming = new Set(['INPUT', 'IN']);
const outgoing = new Set(['OUTPUT', 'OUT']);

/** Searches `-A CHAIN …` lines for the VIP. */
export function arpRules(text: string, vip: string): ArpRules {
  let dropped = false;
  let mangledTo: string | undefined;
  const faults: string[] = [];
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    const index = words.findIndex((word) => word === '-A' || word === '-I' || word === '--append');
    const after = (...names: string[]): string | undefined =>
      words[words.findIndex((word) => names.includes(word)) + 1 || words.length];
    if (index < 0) continue;
    const chain = words[index + 1] ?? '';
    const [source, target, jump] = [after('-s', '--source-ip'), after('-d', '--destination-ip'), after('-j')];
    const to = after('--mangle-ip-s');
    if (target === vip && jump === 'DROP') {
      if (incoming.has(chain)) dropped = true;
      else
        faults.push(
          `arptables: "${line.trim()}" drops ARP for ${vip} on ${chain}, which incoming ARP does not pass: it belongs on INPUT`,
        );
    }
    if (source === vip && jump === 'mangle') {
      if (outgoing.has(chain)) mangledTo = to;
      else
        faults.push(
          `arptables: "${line.trim()}" is on ${chain}, where the VIP is never the sender: it belongs on OUTPUT`,
        );
    }
  }
  return {dropped, ...(mangledTo === undefined ? {} : {mangledTo}), faults};
}
