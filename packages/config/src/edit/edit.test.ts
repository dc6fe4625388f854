/** The lossless editor: an edit leaves the rest of the file as it is, octet for octet, in every fixture and in generated files. */
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {parseLdirectordCf} from '../index.ts';
import {
  editHaCf,
  editHaresources,
  editLdirectord,
  writtenHa,
  writtenVirtuals,
  type LdirectordEdit,
} from './index.ts';

const seeds = path.resolve(import.meta.dirname, '../../../../test/fixtures/seeds');
const fixtures = readdirSync(seeds)
  .filter((name) => name.endsWith('.cf') && !name.includes('ha.cf'))
  .map((name) => [name, readFileSync(path.join(seeds, name), 'utf8')] as const);
const resolve = {host: () => undefined, service: () => undefined};
const edited = (text: string, edit: LdirectordEdit): string => {
  const result = editLdirectord(text, edit);
  if (!result.ok) throw new Error(result.fault);
  return result.value;
};

test('setting a value that is already set leaves every fixture unchanged', (t) => {
  let edits = 0;
  for (const [name, text] of fixtures)
    for (const {virtual, on, lines} of writtenVirtuals(text)) {
      if (!on) continue;
      for (const line of lines) {
        const edit: LdirectordEdit =
          line.name === 'real'
            ? {type: 'set-real', virtual, real: line.value, to: line.value}
            : {type: 'set', virtual, ...line};
        const twice =
          lines.filter((setting) => setting.name === line.name).length > 1 && line.name !== 'real';
        if (twice) continue;
        t.is(edited(text, edit), text, `${name}: ${virtual} ${line.name}`);
        edits += 1;
      }
    }
  t.true(edits > 40, `${edits}`);
});

/** The console's changes to a service, and the lines that remain after undoing them. */
const roundTrips: readonly ((virtual: string, round: number) => readonly [LdirectordEdit, LdirectordEdit])[] =
  [
    (virtual, round) => [
      {type: 'add-real', virtual, real: `10.9.8.${round}:80 gate`},
      {type: 'remove-real', virtual, real: `10.9.8.${round}:80 gate`},
    ],
    (virtual) => [
      {type: 'switch', virtual, on: false},
      {type: 'switch', virtual, on: true},
    ],
    (virtual) => [
      {type: 'rename', virtual, to: '10.9.8.7:8080'},
      {type: 'rename', virtual: '10.9.8.7:8080', to: virtual},
    ],
  ];

test('alternating edits by the console and by hand: hand-written lines stay, wherever they are', (t) => {
  let edits = 0;
  for (const [name, original] of fixtures) {
    const virtuals = writtenVirtuals(original).filter(({on}) => on);
    if (virtuals.length === 0) continue;
    // Hand-written lines at different positions; the console's changes are made and undone around them.
    let text = original;
    for (let round = 1; round <= 24; round += 1) {
      const {virtual = ''} = virtuals[round % virtuals.length] ?? {};
      const [change, back] = roundTrips[round % roundTrips.length]?.(virtual, round) ?? [];
      if (!change || !back) continue;
      const changed = edited(text, change);
      const lines = changed.split('\n');
      const place = (round * 7) % lines.length;
      const written = [...lines.slice(0, place), `# by hand, ${round}`, ...lines.slice(place)].join('\n');
      const expected = text.split('\n');
      text = edited(written, back);
      const withoutNew = text.split('\n').filter((line) => !line.endsWith(`by hand, ${round}`));
      t.is(text.split('\n').length, expected.length + 1, `${name}: a person's line ${round} is there`);
      t.deepEqual(withoutNew, expected, `${name}: round ${round}, ${change.type}`);
      edits += 2;
    }
  }
  t.true(edits > 100, `${edits}`);
});

test('setting one value changes nothing else in the file', (t) => {
  for (const [name, text] of fixtures)
    for (const {virtual, lines} of writtenVirtuals(text)) {
      const scheduler = lines.find((line) => line.name === 'scheduler');
      if (!scheduler) continue;
      const next = edited(text, {type: 'set', virtual, name: 'scheduler', value: 'sed'});
      const before = text.split('\n');
      const after = next.split('\n');
      t.is(after.length, before.length, name);
      const changed = after.filter((line, index) => line !== before[index]);
      t.is(changed.length, 1, name);
      t.regex(changed[0] ?? '', /^\s*scheduler\s*=\s*sed/);
    }
});

test('disabling and enabling a service restores the file, comments included', (t) => {
  for (const [name, text] of fixtures)
    for (const {virtual} of writtenVirtuals(text)) {
      const off = edited(text, {type: 'switch', virtual, on: false});
      t.not(off, text, name);
      t.deepEqual(
        writtenVirtuals(off)
          .filter((writtenVirtual) => writtenVirtual.virtual === virtual)
          .map(({on}) => on),
        [false],
      );
      t.is(edited(off, {type: 'switch', virtual, on: true}), text, name);
    }
});

test('adding and removing a real server restores the file', (t) => {
  for (const [name, text] of fixtures)
    for (const {virtual} of writtenVirtuals(text)) {
      const real = '192.0.2.77:8080 gate 3';
      const more = edited(text, {type: 'add-real', virtual, real});
      t.true(
        writtenVirtuals(more)
          .find((writtenVirtual) => writtenVirtual.virtual === virtual)
          ?.lines.some(({value}) => value === real),
        name,
      );
      const back = edited(more, {type: 'remove-real', virtual, real});
      // A last line without line break gets one.
      t.is(back.trimEnd(), text.trimEnd(), name);
    }
});

test('a comment after a value, CRLF and odd blanks survive', (t) => {
  const text =
    '# farm\r\nvirtual = 10.0.0.1:80\r\n    real=10.0.0.2:80 gate   # first\r\n    scheduler = rr # for now\r\n';
  t.is(
    edited(text, {type: 'set', virtual: '10.0.0.1:80', name: 'scheduler', value: 'wlc'}),
    text.replace('= rr #', '= wlc #'),
  );
  t.is(
    edited(text, {type: 'add-real', virtual: '10.0.0.1:80', real: '10.0.0.3:80 gate'}),
    text.replace('# first\r\n', '# first\r\n    real=10.0.0.3:80 gate\r\n'),
  );
  t.is(
    edited(text, {type: 'set', virtual: '10.0.0.1:80', name: 'checktype', value: 'connect'}),
    `${text}    checktype=connect\r\n`,
  );
});

test('a new service is parsed as given, in an empty file too', (t) => {
  for (const start of ['', '# nothing yet\n', 'checktimeout=5', 'checktimeout=5\n\n']) {
    const text = edited(start, {
      type: 'add-virtual',
      virtual: '10.0.0.9:80',
      lines: [
        {name: 'real', value: '10.0.0.2:80 gate'},
        {name: 'scheduler', value: 'wlc'},
      ],
    });
    t.true(text.startsWith(start));
    const {model, diagnostics} = parseLdirectordCf({path: 'l.cf', text}, {mode: 'strict', resolve});
    t.deepEqual(
      diagnostics.filter(({severity}) => severity === 'error'),
      [],
      text,
    );
    t.is(model.virtuals.length, 1);
    t.is(edited(text, {type: 'remove-virtual', virtual: '10.0.0.9:80'}).trimEnd(), start.trimEnd());
  }
});

test('a value with a line break is refused', (t) => {
  const text = 'virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n';
  for (const value of ['x\n\treal=10.0.0.66:80 gate', 'x\r', 'x\0'])
    for (const edit of [
      {type: 'set', virtual: '10.0.0.1:80', name: 'request', value},
      {type: 'set', virtual: '10.0.0.1:80', name: value, value: 'x'},
      {type: 'add-real', virtual: '10.0.0.1:80', real: value},
      {type: 'rename', virtual: '10.0.0.1:80', to: value},
      {type: 'set-global', name: 'logfile', value},
      {type: 'add-virtual', virtual: '10.0.0.9:80', lines: [{name: 'request', value}]},
    ] satisfies LdirectordEdit[])
      t.false(editLdirectord(text, edit).ok, edit.type);
  t.false(editHaCf('keepalive 1\n', 'keepalive', '1\nrespawn root /tmp/x').ok);
  t.false(editHaresources('lb1 10.0.0.1\n', 'lb1', 'x\nlb2 y').ok);
});

test('generated files: an edit touches only its own service', (t) => {
  const word = fc.constantFrom('rr', 'wlc', 'lc', 'sed');
  const block = fc.record({
    port: fc.integer({min: 1, max: 65_535}),
    scheduler: word,
    comment: fc.constantFrom('', '# note\n', '\t# inside\n'),
    indent: fc.constantFrom('\t', '    ', '\t\t'),
  });
  const text = fc
    .uniqueArray(block, {minLength: 2, maxLength: 6, selector: ({port}) => port})
    .map((blocks) =>
      blocks
        .map(
          ({port, scheduler, comment, indent}) =>
            `virtual=10.0.0.1:${port}\n${indent}real=10.0.0.2:80 gate\n${comment}${indent}scheduler=${scheduler}\n`,
        )
        .join('\n'),
    );
  fc.assert(
    fc.property(text, fc.nat(), word, (file, pick, value) => {
      const virtuals = writtenVirtuals(file);
      const {virtual} = virtuals[pick % virtuals.length] ?? {virtual: ''};
      const after = writtenVirtuals(edited(file, {type: 'set', virtual, name: 'scheduler', value}));
      t.deepEqual(
        after.filter((service) => service.virtual !== virtual),
        virtuals.filter((service) => service.virtual !== virtual),
      );
      t.is(
        after.find((service) => service.virtual === virtual)?.lines.find(({name}) => name === 'scheduler')
          ?.value,
        value,
      );
    }),
    {numRuns: 200},
  );
});

test('ha.cf and haresources: one line changes, comments stay', (t) => {
  const text = '# pair\nkeepalive 1   # s\ndeadtime\t10\nnode lb1 lb2\n';
  const change = (name: string, value: string | undefined): string => {
    const result = editHaCf(text, name, value);
    return result.ok ? result.value : result.fault;
  };
  t.is(change('keepalive', '500ms'), text.replace('keepalive 1 ', 'keepalive 500ms '));
  t.is(change('deadtime', '10'), text);
  t.is(change('warntime', '5'), `${text}warntime 5\n`);
  t.is(change('deadtime', undefined), '# pair\nkeepalive 1   # s\nnode lb1 lb2\n');
  t.is(writtenHa(text, 'node'), 'lb1 lb2');
  const resources = editHaresources(
    '# vips\nlb1 10.0.0.1/24/eth0 ldirectord::ldirectord.cf # web\n',
    'lb1',
    '10.0.0.2/24/eth0',
  );
  t.deepEqual(resources, {
    ok: true,
    value: '# vips\nlb1 10.0.0.1/24/eth0 ldirectord::ldirectord.cf 10.0.0.2/24/eth0 # web\n',
  });
});
