/** Every diagnostic code: a file that gives it, its position and its help. */
import test from 'ava';
import {
  checkFiles,
  diagnosticCodes,
  importConfig,
  loadCluster,
  position,
  renderDiagnostic,
  type DiagnosticCode,
  type ImportContext,
} from './index.ts';

const resolve = {host: () => undefined, service: (name: string) => (name === 'http' ? 80 : undefined)};
const block = (line: string): string => `virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\t${line}\n`;
const ha = 'bcast eth1\nnode a b\nauto_failback on\n';

/** The file's name, its text, and line:column of the diagnostic. */
const examples: Readonly<Record<DiagnosticCode, readonly [file: string, text: string, place: string]>> = {
  'unknown-directive': ['x.cf', 'nosuch=1\n', '1:1'],
  'bad-value': ['x.cf', block('checktype=sometimes'), '3:12'],
  'missing-value': ['x.cf', block('receive=""'), '3:10'],
  'unusable-value': ['x.cf', block('netmask=300.0.0.0'), '3:10'],
  'bad-address': ['x.cf', 'virtual=300.0.0.1:80\n\treal=10.0.0.2:80 gate\n', '1:9'],
  'bad-port': ['x.cf', 'virtual=10.0.0.1:99999\n\treal=10.0.0.2:80 gate\n', '1:9'],
  'unresolved-name': ['x.cf', 'fallback=nowhere.invalid:80\n', '1:10'],
  'bad-method': ['x.cf', 'virtual=10.0.0.1:80\n\treal=10.0.0.2:80 nat\n', '2:7'],
  'fallback-weight': ['x.cf', 'fallback=10.0.0.2:80 gate 5\n', '1:27'],
  'not-indented': ['x.cf', 'virtual=10.0.0.1:80\nreal=10.0.0.2:80 gate\n', '2:1'],
  'indented-global': ['x.cf', '  checktimeout=5\n', '1:1'],
  'blank-in-block': ['x.cf', 'virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\n\tscheduler=rr\n', '4:2'],
  'typographic-quote': ['x.cf', block('receive=“OK”'), '3:10'],
  'missing-quotes': ['x.cf', block('receive=OK'), '3:10'],
  misspelled: ['x.cf', block('checktype=negociate'), '3:12'],
  'trailing-text': ['x.cf', 'checktimeout=5 # five seconds\ncheckinterval=5;\n', '2:15'],
  'duplicate-virtual': ['x.cf', block('scheduler=rr') + block('scheduler=rr'), '4:1'],
  'fwmark-without-port': ['x.cf', 'virtual=10.0.0.1\n\treal=10.0.0.2:80 gate\n', '1:9'],
  'protocol-mismatch': ['x.cf', block('protocol=fwm'), '3:11'],
  'bad-regex': ['x.cf', block('receive="(OK"'), '3:10'],
  'ignored-directive': ['x.cf', block('checkinterval=3'), '3:2'],
  deprecated: ['x.cf', 'checkcount=3\n', '1:1'],
  'port-mapped': ['x.cf', 'virtual=10.0.0.1:80\n\treal=10.0.0.2:8080 gate\n', '2:2'],
  'byte-order-mark': ['x.cf', '\uFEFFchecktimeout=5\n', '1:1'],
  'refused-directive': ['x.cf', 'timeout=5\n', '1:1'],
  'builtin-ipfail': ['ha.cf', `${ha}respawn root /usr/lib/heartbeat/ipfail\n`, '4:14'],
  'late-udpport': ['ha.cf', `${ha}udpport 695\n`, '4:1'],
  'weak-authentication': ['authkeys', 'auth 1\n1 crc\n', '2:1'],
  'bad-permissions': ['authkeys.644', 'auth 1\n1 sha256 secret\n', '1:1'],
  'missing-file': ['missing.cf', '', ''],
  'no-media': ['ha.cf', 'node a b\nauto_failback on\n', '1:1'],
  'no-nodes': ['ha.cf', 'bcast eth1\n', '1:1'],
  'unknown-node': ['dir/haresources', 'c 10.0.0.1/24/eth0\n', '1:1'],
  'local-node-missing': ['dir/ha.cf', 'bcast eth1\nnode b c\nauto_failback on\n', '2:6'],
  'interval-order': ['ha.cf', `${ha}keepalive 2\ndeadtime 3\n`, '5:10'],
  'duplicate-resource': ['authkeys', 'auth 1\n1 sha256 a\n1 sha256 b\n', '3:1'],
  'duplicate-address': ['dir/haresources', 'a 10.0.0.1/24/eth0\nb 10.0.0.1/24/eth1\n', '2:3'],
  'virtual-without-address': ['dir/ldirectord.cf', block('scheduler=rr').replace('0.1', '0.7'), '1:1'],
  'missing-key': ['authkeys', '1 sha256 secret\n', '1:1'],
  'connect-only': ['x.cf', block('service=oracle'), '1:1'],
  'unclosed-block': ['import/k.conf', 'vrrp_instance a {\n', '1:1'],
  'unclosed-quote': ['import/k.conf', 'vrrp_instance "a {\n}\n', '1:1'],
  'unknown-format': ['import/x', 'hello\n', '1:1'],
  'invisible-character': ['x.cf', block('scheduler\u00A0=rr'), '3:11'],
  'not-text': ['ha.cf', '\uFFFD\uFFFDn\0o\0d\0e\0', '1:1'],
};

const importContext: ImportContext = {
  node: 'a',
  peer: 'b',
  peerKnown: true,
  configId: 'left',
  addresses: [],
  installDir: '/etc/ha.d',
  resolve,
  read: () => undefined,
  glob: () => [],
};

const judge = (file: string, text: string) => {
  if (file.startsWith('import/'))
    return importConfig({path: file, text}, {context: importContext, secret: 'x'});
  const files: Readonly<Record<string, string>> = {
    'dir/ha.cf': ha,
    'dir/haresources': 'a 10.0.0.1/24/eth0 ldirectord::ldirectord.cf\n',
    'dir/authkeys': 'auth 1\n1 sha256 secret\n',
    'dir/ldirectord.cf': block('scheduler=rr'),
    [file]: text,
  };
  const read = (path: string) => {
    const found = path === 'missing.cf' ? undefined : files[path];
    return found === undefined ? undefined : {text: found, mode: path.endsWith('.644') ? 0o644 : 0o600};
  };
  const mode = 'lenient';
  return file.startsWith('dir/')
    ? loadCluster({dir: 'dir', read, mode, localNode: 'a', resolve})
    : checkFiles({paths: [file], read, mode, resolve});
};

for (const code of diagnosticCodes)
  test(`${code}: reported at the expected position, with help`, (t) => {
    const [file, text, location] = examples[code];
    const {diagnostics, sources} = judge(file, text);
    const found = diagnostics.filter((diagnostic) => diagnostic.code === code);
    const places = found.map((diagnostic) => {
      const {line, column} = position(text, diagnostic.span.start);
      return text === '' ? '' : `${line}:${column}`;
    });
    t.true(places.includes(location), `${code} at ${places.join(' and ')}`);
    for (const diagnostic of found) {
      t.truthy(diagnostic.help);
      t.true(renderDiagnostic(diagnostic, sources).startsWith(`${file}:`));
      t.true(renderDiagnostic(diagnostic, sources).includes(`${diagnostic.severity}[${code}]`));
    }
  });
