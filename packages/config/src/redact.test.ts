import test from 'ava';
import {redactLine} from './redact.ts';

for (const [line, expected] of [
  ['auth 1', 'auth 1'],
  ['1 sha256 a b', '1 sha256 (secret)'],
  ['2 crc', '2 crc'],
  ['\tpasswd = "x"', '\tpasswd = (secret)'],
  ['\tsecret=y', '\tsecret=(secret)'],
  ['\tservice=http', '\tservice=http'],
  ['stonith_host * ipmi a b', 'stonith_host * ipmi (secret)'],
  ['stonith ssh /etc/x', 'stonith ssh (secret)'],
  ['hactl_webhook https://hooks.example/T0/B1', 'hactl_webhook https://hooks.example/(secret)'],
  ['hactl_webhook https://hooks.example token', 'hactl_webhook https://hooks.example (secret)'],
  ['hactl_otlp https://u:p@otel.example', 'hactl_otlp https://(secret)@otel.example'],
  ['hactl_otlp https://otel.example/v1/logs token=x', 'hactl_otlp https://otel.example/(secret)'],
  ['hactl_webhook https://u:p@hooks.example', 'hactl_webhook https://(secret)@hooks.example'],
  ['hactl_alert_command /bin/page key', 'hactl_alert_command /bin/page (secret)'],
] as const)
  test(`secrets are hidden: ${line.trim()}`, (t) => {
    t.is(redactLine(line), expected);
  });

test('a long line takes no time: it may be somebody’s log-in at the console', (t) => {
  const before = process.threadCpuUsage();
  for (const piece of ['a', 'token', 'pw', 'x_key', 'A', '"x ', 'a:b', '-', 'secret ']) {
    const text = piece.repeat(16_000 / piece.length);
    redactLine(text);
    redactLine(`user=${text}`);
  }
  const {user, system} = process.threadCpuUsage(before);
  // With a pattern that is quadratic each piece took half a second; now all take a quarter of one.
  t.true((user + system) / 1_000 < 1_000, `${(user + system) / 1_000} ms`);
});
