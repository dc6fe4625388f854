/** Rules that need more than one file. Pure. */
import ipaddr from 'ipaddr.js';
import type {Diagnostic} from './diagnostic.ts';
import type {ClusterConfig, Span} from './model.ts';

export const NO_SERVICE = 'the file has no virtual service: there is nothing to balance';
export const NO_SERVICE_HELP =
  'virtual=ADDRESS:PORT, and real=… lines with a TAB before them; was the file cut off?';

/** Reports contradictions between files. `localNode` is this machine's name. */
export function crossCheck(cluster: ClusterConfig, localNode: string | undefined): Diagnostic[] {
  const found: Diagnostic[] = [];
  const add = (
    severity: Diagnostic['severity'],
    code: Diagnostic['code'],
    span: Span,
    message: string,
    help: string,
  ): void => {
    found.push({severity, code, span, message, help});
  };
  const {ha} = cluster;
  const names = new Set(ha?.nodes.map((node) => node.name));
  const [first] = ha?.nodes ?? [];
  if (ha && first && localNode !== undefined && !names.has(localNode))
    add(
      'error',
      'local-node-missing',
      first.span,
      `current node [${localNode}] is not among the nodes of ha.cf`,
      missingNodeHelp(localNode, [...names]),
    );
  const seen = new Map<string, string>();
  for (const group of cluster.haresources.groups) {
    if (ha && !names.has(group.node))
      add(
        'error',
        'unknown-node',
        group.span,
        `${group.node} is not a node of ha.cf`,
        `the first word of a line is a node: ${[...names].join(', ')}`,
      );
    for (const {vip, span} of group.resources) {
      if (!vip) continue;
      const holder = seen.get(vip.address);
      if (holder !== undefined)
        add(
          'error',
          'duplicate-address',
          span,
          `${vip.address} is in group ${holder} too`,
          'an address belongs to one group',
        );
      seen.set(vip.address, group.name);
    }
  }
  const [file] = cluster.ldirectord;
  if (file && cluster.ldirectord.every(({virtuals}) => virtuals.length === 0))
    add('warning', 'missing-value', {file: file.path, start: 0, end: 1}, NO_SERVICE, NO_SERVICE_HELP);
  const networks = cluster.haresources.groups.flatMap(({resources}) =>
    resources.flatMap(({vip}) =>
      vip?.family === 4 && vip.prefixLength !== undefined && vip.prefixLength < 31
        ? [`${vip.address}/${vip.prefixLength}`]
        : [],
    ),
  );
  const broadcasts = new Set(networks.map((cidr) => ipaddr.IPv4.broadcastAddressFromCIDR(cidr).toString()));
  for (const {address, span} of cluster.ldirectord.flatMap((file) =>
    file.virtuals.flatMap(({reals}) => reals),
  ))
    if (broadcasts.has(address))
      add(
        'warning',
        'bad-address',
        span,
        `${address} is the broadcast address of a network of haresources: the kernel refuses it as a real server`,
        'write the address of one server',
      );
  if (ha)
    for (const virtual of cluster.ldirectord.flatMap((file) => file.virtuals))
      if (virtual.address.kind === 'address' && !seen.has(virtual.address.address))
        add(
          'warning',
          'virtual-without-address',
          virtual.span,
          `no group of haresources has the address ${virtual.address.address}`,
          'the pair will not move it: add it to a line of haresources, or bring it up by other means',
        );
  const services = new Map<string, string>();
  for (const file of cluster.ldirectord)
    for (const {address, span} of file.virtuals) {
      const key = JSON.stringify(address);
      const service = services.get(key);
      if (service !== undefined && service !== file.path)
        add(
          'error',
          'duplicate-virtual',
          span,
          `this virtual service is in ${service} too`,
          'keep it in one file',
        );
      services.set(key, file.path);
    }
  return found;
}

const shortName = (name: string): string => name.split('.')[0] ?? name;

/** A long host name beside short node names is the same director: adding a node line would make three. */
function missingNodeHelp(localNode: string, nodes: readonly string[]): string {
  const same = nodes.find((node) => shortName(node) === shortName(localNode));
  if (same !== undefined)
    return `this is probably ${same}: write ${localNode} in its place in ha.cf and haresources on both directors, or start hactld with --node ${same}`;
  if (nodes.length < 2) return `node names are what uname -n prints: add node ${localNode}`;
  return `node names are what uname -n prints: write ${localNode} in place of one of ${nodes.join(', ')} in ha.cf and haresources on both directors, or start hactld with --node NAME`;
}
