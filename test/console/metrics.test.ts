/** Every metric in the alert rules and the dashboard exists, and its name follows the conventions. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {makeMetrics} from '../../src/console/metrics.ts';
import {snapshot} from '../../src/control/snapshot.fixture.ts';

const folder = path.resolve(import.meta.dirname, '../../docs/observability');
const {registry, set} = makeMetrics();

test('rules and dashboard only use existing metrics', async (t) => {
  set(snapshot);
  const known = new Set((await registry.getMetricsAsJSON()).map(({name}) => name));
  for (const file of ['alerts.yml', 'grafana.json']) {
    const named = new Set(readFileSync(path.join(folder, file), 'utf8').match(/\bhactl_[a-z_]+/g));
    t.true(named.size > 5, file);
    t.deepEqual(
      [...named].filter((name) => !known.has(name)),
      [],
      file,
    );
  }
});

test('a counter ends with _total, nothing else does, and units are seconds', async (t) => {
  for (const {name, type} of await registry.getMetricsAsJSON()) {
    if (name.startsWith('hactl_console_')) continue;
    t.is(name.endsWith('_total'), String(type) === 'counter', name);
    t.notRegex(name, /_(ms|millis|minutes)(_|$)/, name);
  }
});

test('a reload drops the series of removed objects; without a daemon only hactl_up 0 remains', async (t) => {
  set(snapshot);
  t.regex(await registry.metrics(), /^hactl_server_up\{/m);
  set({...snapshot, virtuals: []});
  t.notRegex(await registry.metrics(), /^hactl_server_up\{/m);
  set(undefined);
  const text = await registry.metrics();
  t.regex(text, /^hactl_up 0$/m);
  t.notRegex(text, /^hactl_group_active\{/m);
});
