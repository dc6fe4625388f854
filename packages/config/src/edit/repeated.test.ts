/** Directives on several lines: every effective line is found, and an edit changes only the affected ones. */
import test from 'ava';
import fc from 'fast-check';
import {parseHaCf, parseHaresources, parseLdirectordCf} from '../index.ts';
import {editHaCf, editHaresources, editLdirectord, writtenHa, writtenVirtuals, type LdirectordEdit} from './index.ts'; // prettier-ignore

const set = (text: string, name: string, value: string | undefined): string => {
  const result = editHaCf(text, name, value);
  return result.ok ? result.value : `fault: ${result.fault}`;
};
const add = (text: string, node: string, word: string, beside?: string): string => {
  const result = editHaresources(text, node, word, beside);
  return result.ok ? result.value : `fault: ${result.fault}`;
};
const edited = (text: string, edit: LdirectordEdit): string => {
  const result = editLdirectord(text, edit);
  return result.ok ? result.value : `fault: ${result.fault}`;
};
const nodesOf = (text: string): string[] =>
  parseHaCf({path: 'ha.cf', text}, {mode: 'lenient'}).model.nodes.map(({name}) => name);

test('the nodes of every line are found, and a changed one is changed in place', (t) => {
  const text = 'node alpha # the first\nkeepalive 1\nnode beta   # the second\n';
  t.is(writtenHa(text, 'node'), 'alpha beta');
  t.is(set(text, 'node', 'alpha beta'), text);
  t.is(set(text, 'node', 'alpha gamma'), text.replace('beta ', 'gamma '));
  t.is(set(text, 'node', 'beta alpha'), 'node beta # the first\nkeepalive 1\nnode alpha   # the second\n');
  t.is(set(text, 'node', 'alpha'), 'node alpha # the first\nkeepalive 1\n');
  t.is(set(text, 'node', 'alpha beta gamma'), text.replace('beta ', 'beta gamma '));
  t.is(writtenHa('node alpha beta\nnode Alpha gamma\n', 'node'), 'alpha beta gamma');
});

test('any edit of words on many lines is read back by the parser', (t) => {
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), {minLength: 1, maxLength: 5});
  const lines = fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), {minLength: 1, maxLength: 3}), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(lines, names, (before, wanted) => {
      const text = before.map((words, index) => `node ${words.join(' ')} # ${index}\n`).join('keepalive 1\n');
      const next = set(text, 'node', wanted.join(' '));
      t.deepEqual(nodesOf(next), wanted);
      t.is(writtenHa(next, 'node'), wanted.join(' '));
      t.is(next.split('keepalive 1\n').length, before.length, 'the other lines stay');
      t.is(set(text, 'node', writtenHa(text, 'node')), text, 'an edit of nothing changes nothing');
    }),
    {numRuns: 200},
  );
});

for (const [name, first, second, third] of [
  ['ucast', 'eth0 10.0.0.1', 'eth0 10.0.0.2', 'eth1 10.1.0.2'],
  ['mcast', 'eth0 225.0.0.1 694 1 0', 'eth1 225.0.0.1 694 1 0', 'eth2 225.0.0.1 694 1 0'],
  ['ping_group', 'gw 10.0.0.254 10.0.0.253', 'dns 10.0.0.53', 'ntp 10.0.0.123'],
  ['respawn', 'hacluster /usr/bin/one', 'root /usr/bin/two -x', 'root /usr/bin/three'],
  ['apiauth', 'ping gid=haclient', 'ipfail uid=hacluster', 'cl_status uid=root'],
  ['stonith_host', 'a meatware b', 'b meatware a', '* meatware c'],
] as const)
  test(`each line of ${name} is found, and only the changed one is written`, (t) => {
    const text = `# paths\n${name} ${first} # one\nkeepalive 1\n${name}\t${second}\n\ndeadtime 5\n`;
    t.is(writtenHa(text, name), `${first}\n${second}`);
    t.is(set(text, name, `${first}\n${second}`), text);
    t.is(set(text, name, `${first}\n${third}`), text.replace(second, third));
    t.is(set(text, name, `${third}\n${second}`), text.replace(first, third));
    t.is(set(text, name, second), text.replace(`${name} ${first} # one\n`, ''));
    t.is(
      set(text, name, `${first}\n${second}\n${third}`),
      text.replace(`${second}\n`, `${second}\n${name} ${third}\n`),
    );
    t.is(set(text, name, `${third}\n${first}\n${second}`), text.replace('# paths\n', `# paths\n${name} ${third}\n`)); // prettier-ignore
    t.is(
      set('keepalive 1\n', name, `${first}\n${second}`),
      `keepalive 1\n${name} ${first}\n${name} ${second}\n`,
    );
    t.regex(set(text, 'keepalive', '1\nrespawn root /tmp/x'), /^fault:/);
  });

for (const name of ['bcast', 'ping', 'hactl_track_interface'])
  test(`the words of every ${name} line count together`, (t) => {
    const text = `${name} x1 x2 # first\n${name} x3\n`;
    t.is(writtenHa(text, name), 'x1 x2 x3');
    t.is(set(text, name, 'x1 x3'), `${name} x1 # first\n${name} x3\n`);
    t.is(set(text, name, 'x1 x2 x3 x4'), `${text.trimEnd()} x4\n`);
    t.is(set(text, name, undefined), '');
  });

test('automatic failback is that of the last line under either name', (t) => {
  const failback = (text: string) => parseHaCf({path: 'ha.cf', text}, {mode: 'lenient'}).model.autoFailback;
  const text = 'auto_failback on\nnice_failback on # no\n';
  t.is(failback(text), 'off');
  t.is(writtenHa(text, 'auto_failback'), 'off');
  t.is(set(text, 'auto_failback', 'on'), 'auto_failback on\nauto_failback on # no\n');
  t.is(writtenHa('nice_failback off\n', 'auto_failback'), 'on');
  t.is(set(text, 'auto_failback', undefined), '');
});

test('a directive in capitals, after a byte order mark or a non-space blank is found as the parser reads it', (t) => {
  t.is(writtenHa('keepalive 1\nKeepAlive 2\n', 'keepalive'), '2');
  t.is(writtenHa('\uFEFFkeepalive 3\n', 'keepalive'), '3');
  t.is(set('\uFEFFkeepalive 3\n', 'keepalive', '4'), '\uFEFFkeepalive 4\n');
  t.is(writtenHa('node\u00A0a b\n', 'node'), 'a b');
  t.is(writtenHa('# old\u2028keepalive 9\n', 'keepalive'), undefined, 'a comment goes on');
});

test('a resource is added to its group: with two lines of a node, after a continued line, and not twice', (t) => {
  const two = 'lb1 10.0.0.1 # mail\nlb1 10.0.0.2 ldirectord::web.cf # web\nlb2 10.0.0.3\n';
  t.is(
    add(two, 'lb1', 'IPaddr2::10.0.0.9', '10.0.0.2'),
    two.replace('web.cf #', 'web.cf IPaddr2::10.0.0.9 #'),
  );
  for (const node of ['lb1', 'lb2', 'lb3']) t.is(add(two, node, 'ldirectord::web.cf'), two, node);
  const long = 'lb1 10.0.0.1 \\\n   10.0.0.2 \\ # more\n\tldirectord::web.cf # end\n';
  const next = add(long, 'LB1', 'IPaddr2::10.0.0.9');
  t.is(next, long.replace('web.cf #', 'web.cf IPaddr2::10.0.0.9 #'));
  const {model} = parseHaresources({path: 'haresources', text: next}, {mode: 'lenient'});
  t.deepEqual(model.groups.map(({resources}) => resources.length), [4]); // prettier-ignore
  t.is(add('lb1 10.0.0.1 \\\n', 'lb1', '10.0.0.2'), 'lb1 10.0.0.1 10.0.0.2 \\\n');
  t.regex(add(two, 'lb1', 'x', 'gone'), /^lb1 10.0.0.1 x /, 'the first of the node');
  t.regex(add(two, 'lb3', 'x', 'gone'), /^fault: .*reload/);
});

const dns =
  'virtual=10.0.0.1:53\n\treal=10.0.0.2:53 masq\n\tprotocol=tcp\n\tscheduler=rr\n\n' +
  'virtual=10.0.0.1:53\n\treal=10.0.0.3:53 masq\n\tprotocol=udp\n\tscheduler=wlc\n';

test('two services with the same address and port are edited by position', (t) => {
  t.deepEqual(
    writtenVirtuals(dns).map(({virtual, nth}) => [virtual, nth]),
    [
      ['10.0.0.1:53', 0],
      ['10.0.0.1:53', 1],
    ],
  );
  const udp = {virtual: '10.0.0.1:53', nth: 1};
  t.is(edited(dns, {type: 'set', ...udp, name: 'scheduler', value: 'sed'}), dns.replace('=wlc', '=sed'));
  t.is(
    edited(dns, {type: 'remove-real', ...udp, real: '10.0.0.3:53 masq'}),
    dns.replace('\treal=10.0.0.3:53 masq\n', ''),
  );
  t.is(edited(dns, {type: 'remove-virtual', ...udp}), dns.slice(0, dns.lastIndexOf('virtual=')));
  const off = edited(dns, {type: 'switch', ...udp, on: false});
  t.deepEqual(
    writtenVirtuals(off).map(({on, nth}) => [on, nth]),
    [
      [true, 0],
      [false, 0],
    ],
  );
  t.is(edited(off, {type: 'switch', virtual: '10.0.0.1:53', on: true}), dns, 'beside the one that is on');
  t.regex(edited(dns, {type: 'switch', ...udp, nth: 2, on: false}), /^fault:/);
});

test('a UDP service may be added to a TCP one, but not a second TCP one', (t) => {
  const text = 'virtual=10.0.0.1:80\n\treal=10.0.0.2:80 masq\n';
  const lines = [{name: 'real', value: '10.0.0.2:80 masq'}];
  const virtual = '10.0.0.1:80';
  t.regex(edited(text, {type: 'add-virtual', virtual, lines}), /^fault: there is/);
  const next = edited(text, {
    type: 'add-virtual',
    virtual,
    lines: [...lines, {name: 'protocol', value: 'udp'}],
  });
  t.is(writtenVirtuals(next).length, 2);
});

test('an IPv6 service has real6 and fallback6 lines, and gets no others', (t) => {
  const resolve = {host: () => undefined, service: () => undefined};
  const parsed = (text: string) => parseLdirectordCf({path: 'l.cf', text}, {mode: 'strict', resolve});
  const virtual = '[2001:db8::1]:80';
  let text = edited('', {
    type: 'add-virtual',
    virtual,
    lines: [
      {name: 'real', value: '[2001:db8::2]:80 masq'},
      {name: 'fallback', value: '[::1]:80'},
    ],
  });
  text = edited(text, {type: 'add-real', virtual, real: '[2001:db8::3]:80 masq'});
  text = edited(text, {type: 'set', virtual, name: 'fallback', value: '[::1]:8080'});
  text = edited(text, {
    type: 'set-real',
    virtual,
    real: '[2001:db8::2]:80 masq',
    to: '[2001:db8::2]:80 masq 5',
  });
  const {model, diagnostics} = parsed(text);
  t.deepEqual(diagnostics.filter(({severity}) => severity === 'error'), [], text); // prettier-ignore
  t.deepEqual(model.virtuals[0]?.reals.map(({weight}) => weight), [5, 1]); // prettier-ignore
  t.is(model.virtuals[0]?.fallback?.port, 8080);
  t.is(text.split('fallback').length, 2);
});

test('a value does not replace one of several lines that all count', (t) => {
  const text =
    'execute=a.cf\nexecute=b.cf\nvirtual=10.0.0.1:80\n\treal=10.0.0.2:80 masq\n\treal=10.0.0.3:80 masq\n';
  for (const edit of [
    {type: 'set-global', name: 'execute', value: 'c.cf'},
    {type: 'set', virtual: '10.0.0.1:80', name: 'real', value: '10.0.0.9:80 masq'},
    {type: 'set', virtual: '10.0.0.1:80', name: 'real', value: undefined},
  ] satisfies LdirectordEdit[])
    t.regex(edited(text, edit), /^fault: .* stands on 2 lines/);
});

test('a repeated setting is changed in its effective line, and removed everywhere', (t) => {
  const text = 'virtual=10.0.0.1:80\n\tscheduler=rr\n\tfallback=127.0.0.1\n\tscheduler=wlc # counts\n';
  const virtual = '10.0.0.1:80';
  t.is(edited(text, {type: 'set', virtual, name: 'scheduler', value: 'sed'}), text.replace('wlc', 'sed'));
  t.is(
    edited(text, {type: 'set', virtual, name: 'scheduler', value: undefined}),
    'virtual=10.0.0.1:80\n\tfallback=127.0.0.1\n',
  );
});
