/** The help for a host name that is not a node never suggests a third node. */
import test from 'ava';
import {loadCluster} from './index.ts';

const helpFor = (localNode: string, nodes: string): string | undefined => {
  const files: Readonly<Record<string, string>> = {
    '/x/ha.cf': `node ${nodes}\nbcast eth0\nauto_failback on\n`,
    '/x/haresources': '',
    '/x/authkeys': 'auth 1\n1 sha256 a-test-key\n',
  };
  const {diagnostics} = loadCluster({
    dir: '/x',
    read: (path) => (files[path] === undefined ? undefined : {text: files[path], mode: 0o600}),
    mode: 'lenient',
    localNode,
    resolve: {host: () => undefined, service: () => undefined},
  });
  return diagnostics.find(({code}) => code === 'local-node-missing')?.help;
};

test('a long host name beside short node names, and the other way round, is the same director', (t) => {
  for (const [localNode, nodes, same] of [
    ['lb1.example.com', 'lb1 lb2', 'lb1'],
    ['lb2', 'lb1.example.com lb2.example.com', 'lb2.example.com'],
  ] as const) {
    const help = helpFor(localNode, nodes) ?? '';
    t.true(help.startsWith(`this is probably ${same}: write ${localNode} in its place`), help);
    t.notRegex(help, /add node/);
  }
});

test('with two other nodes the help says to replace one, with a single node to add a second', (t) => {
  t.regex(helpFor('web', 'lb1 lb2') ?? '', /write web in place of one of lb1, lb2 /);
  t.regex(helpFor('web', 'lb1') ?? '', /add node web$/);
  t.is(helpFor('lb1', 'lb1 lb2'), undefined);
});
