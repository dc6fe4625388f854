/** Invisible characters, and files that are not text. */
import test from 'ava';
import {checkFiles, type Mode} from './index.ts';

const resolve = {host: () => undefined, service: () => undefined};
const judge = (file: string, text: string, mode: Mode = 'lenient'): string[] =>
  checkFiles({paths: [file], read: () => ({text, mode: 0o600}), mode, resolve}).diagnostics.map(
    ({severity, code, message}) => `${severity} ${code}: ${message}`,
  );

const good: Readonly<Record<string, string>> = {
  'ha.cf': 'node a b\nbcast eth1\nauto_failback on\n',
  haresources: 'a 10.0.0.1/24/eth0\n',
  authkeys: 'auth 1\n1 sha256 secret\n',
  'x.cf': 'virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\tscheduler=rr\n',
};

for (const [file, text] of Object.entries(good)) {
  test(`${file} in UTF-16 gives one error, which names the encoding`, (t) => {
    for (const octets of [
      Buffer.from(`\uFEFF${text}`, 'utf16le'),
      Buffer.from(text, 'utf16le'),
      Buffer.from(`\uFEFF${text}`, 'utf16le').swap16(),
    ]) {
      const found = judge(file, octets.toString('utf8'));
      t.is(found.length, 1, found.join('\n'));
      t.regex(found[0] ?? '', /^error not-text: the file is UTF-16/);
    }
  });

  test(`${file} with NUL characters, or nothing else, gives an error that names them`, (t) => {
    t.regex(judge(file, '\0'.repeat(512)).join('\n'), /^error not-text: .*NUL characters/);
    t.regex(judge(file, `${text}\0\n`).join('\n'), /error invisible-character: .* NUL character/);
  });

  test(`${file}: no-break spaces are read as spaces and reported`, (t) => {
    const spaced = text.replaceAll(' ', '\u00A0').replaceAll('=', '\u202F=');
    const found = judge(file, spaced);
    t.true(found.length > 0);
    t.deepEqual(
      found.filter((text) => !text.startsWith('notice invisible-character')),
      [],
    );
    t.true(judge(file, spaced, 'strict').some((text) => text.startsWith('error invisible-character')));
  });

  test(`${file}: direction marks, zero-width blanks and C1 controls are errors that name them`, (t) => {
    for (const character of ['\u202E', '\u200B', '\u0085', '\u001B', '\uFEFF', '\u007F'])
      t.regex(
        judge(file, text.replace('1', `${character}1`)).join('\n'),
        /error invisible-character: the line holds an? (invisible|control) character \(U\+/,
      );
  });

  test(`${file}: a byte order mark is skipped`, (t) => {
    const found = judge(file, `\uFEFF${text}`);
    t.deepEqual(
      found.map((text) => text.split(':')[0]),
      ['notice byte-order-mark'],
    );
  });
}

test('comments and quoted texts may contain any character', (t) => {
  t.deepEqual(judge('ha.cf', `${good['ha.cf'] ?? ''}# a\u00A0b\u200B\n`), []);
  t.deepEqual(judge('x.cf', `${good['x.cf'] ?? ''}\treceive="a\u00A0b"\n\trequest="/"\n`), []);
});
