/** Searches a packet filter's listing for the pair's ports. A hint, not a proof: rules are read, not evaluated. Pure. */
import {found, type HostFinding} from './finding.ts';

/** Ports that the Piranha tutorials open. */
const leftovers: Readonly<Record<number, string>> = {539: 'pulse’s heartbeat', 3636: 'Piranha’s web page'};

/** `nft list ruleset` and iptables-save both name a port as a word of its own. */
const names = (listing: string, port: number): boolean =>
  new RegExp(`(^|[^\\d.:])${port}([^\\d.:]|$)`, 'm').test(listing);
/** Is input dropped by default? */
const closed = (listing: string): boolean =>
  /hook input[^}]*?(policy drop|\n\s*(counter\s+)?(drop|reject\b))/.test(listing) ||
  /^:INPUT DROP/m.test(listing) ||
  /^-A INPUT -j (DROP|REJECT)/m.test(listing);

/** Ports that a rule, or the lack of rules, opens to every source. */
export const openToAll = <P extends {readonly port: number}>(
  ports: readonly P[],
  listing: string | undefined,
): P[] => {
  if (listing === undefined) return [];
  if (!closed(listing)) return [...ports];
  const unlimited = listing
    .split('\n')
    .filter((rule) => /\baccept\b|-j ACCEPT\b/.test(rule) && !/\bsaddr\b|(^|\s)(-s|--source)\s/.test(rule));
  return ports.filter(({port}) => unlimited.some((rule) => names(rule, port)));
};

export function firewallFindings(
  ports: readonly {readonly port: number; readonly use: string}[],
  listing: string | undefined,
): HostFinding[] {
  if (listing === undefined)
    return ports.length === 0
      ? []
      : [found('note', 'firewall', 'cannot be read: no nft or iptables-save, or not root')];
  const unused = Object.entries(leftovers).flatMap(([port, use]) =>
    names(listing, Number(port))
      ? [
          found(
            'note',
            `port ${port}`,
            `a rule names it (${use}): hactl does not use it; the rule can be removed`,
          ),
        ]
      : [],
  );
  if (!closed(listing))
    return ports.length === 0
      ? unused
      : [found('good', 'firewall', 'accepts everything, as far as can be seen'), ...unused];
  return [
    ...ports.map(({port, use}) =>
      names(listing, port)
        ? found('good', `udp ${port}`, `a rule names it (${use})`)
        : found(
            'bad',
            `udp ${port}`,
            `the firewall drops by default, and no rule names this port (${use})`,
            `accept it from the peer: nft add rule inet filter input udp dport ${port} accept`,
          ),
    ),
    ...unused,
  ];
}
