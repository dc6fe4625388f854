/** Builds and imports small keepalived.conf files. */
import {importConfig, type ImportContext, type ImportResult} from './index.ts';

export const context: ImportContext = {
  node: 'lb1',
  peer: 'lb2',
  peerKnown: true,
  configId: 'lb1',
  addresses: [],
  installDir: '/etc/ha.d',
  resolve: {host: () => undefined, service: () => undefined},
  read: () => undefined,
  glob: () => [],
};

export const run = (text: string, more: Partial<ImportContext> = {}): ImportResult =>
  importConfig(
    {path: 'k.conf', text},
    {kind: 'keepalived', context: {...context, ...more}, secret: 'x'.repeat(64)},
  );
export const file = ({files}: ImportResult, name: string): string =>
  files.find((file) => file.name === name)?.text ?? '';
export const fates = ({report}: ImportResult, what: string): string[] =>
  report
    .filter((line) => line.what.startsWith(what))
    .map(({fate, matters}) => `${fate}${matters ? '!' : ''}`);
export const codes = ({diagnostics}: ImportResult): string[] =>
  diagnostics.map(({severity, code}) => `${severity} ${code}`);

export const instance = (lines: string, name = 'V'): string =>
  `vrrp_instance ${name} {\n interface eth0\n virtual_router_id 5\n${lines}\n virtual_ipaddress {\n  192.0.2.1/24\n }\n}\n`;
export const service = (reals: string, head = ''): string =>
  `virtual_server 192.0.2.1 80 {\n protocol TCP\n lb_kind NAT\n${head}\n${reals}\n}\n`;
export const real = (checker: string, last = 1, port = 80): string =>
  ` real_server 198.51.100.${last} ${port} {\n${checker}\n }\n`;
