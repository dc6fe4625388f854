/** A drill's expectations, its reports, and its preconditions. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import type {StatusSnapshot} from '../control/protocol.ts';
import {choose, failuresOf, type Drill, type Observed} from './event.ts';
import {unhealthy} from './health.ts';
import {renderPage} from './page.ts';
import {compareReports, isReport, percentilesOf, type DrillReport, type EventResult} from './report.ts';
import {keepReport, KEPT, keptReports, readReport} from './store.ts';

const QUIET = 3_000;
const seen: Observed = {period: 10_000, outage: 40, failed: [], broken: [], both: 0};
const strict = {lost: 0, streamsKept: true, both: 0};
const at = (ms: number) => ({at: ms, error: 'ECONNRESET', port: 40_000});

test('each violated expectation is reported separately', (t) => {
  t.deepEqual(failuresOf(strict, seen, QUIET), []);
  t.regex(failuresOf(strict, {...seen, failed: [at(100)]}, QUIET).join(), /^1 requests lost: .*ECONNRESET/);
  t.regex(failuresOf(strict, {...seen, broken: [{at: 5, error: 'x'}]}, QUIET).join(), /^streams broken/);
  t.deepEqual(
    failuresOf({...strict, streamsKept: false}, {...seen, broken: [{at: 5, error: 'x'}]}, QUIET),
    [],
  );
  t.deepEqual(failuresOf(strict, {...seen, both: 3}, QUIET), ['two directors held the VIP for 3 ms']);
  t.deepEqual(failuresOf({...strict, outage: 30}, seen, QUIET), ['silent for 40 ms, at most 30 expected']);
});

test('after a crash the VIP is never shared, even where the move back may share it', (t) => {
  const planned = {...strict, both: 500};
  t.deepEqual(failuresOf(planned, {...seen, both: 20, bothInCrash: 0}, QUIET), []);
  t.deepEqual(failuresOf(planned, {...seen, both: 20, bothInCrash: 20}, QUIET), [
    'two directors held the VIP for 20 ms after the crash',
  ]);
});

test('where requests may be lost, none started after the recovery may be', (t) => {
  const crash = {...strict, lost: Infinity};
  // The event ended 3 s before the end; half a second of grace.
  t.deepEqual(failuresOf(crash, {...seen, failed: [at(100), at(7_400)]}, QUIET), []);
  t.regex(failuresOf(crash, {...seen, failed: [at(7_600)]}, QUIET).join(), /^requests lost after recovery/);
});

test('drills are selected by name, by default, and by the site’s abilities', (t) => {
  const drill = (name: string, usual: boolean, needs: Drill<never>['needs']): Drill<never> => ({
    name,
    usual,
    needs,
    summary: '',
    safe: false,
    events: [],
  });
  const library = [drill('a', true, []), drill('b', true, ['link']), drill('c', false, ['machine'])];
  const means = new Set(['link'] as const);
  const names = (only: string[], all: boolean) => {
    const {chosen, left, unknown} = choose(library, {only, all, means});
    return {chosen: chosen.map(({name}) => name), left: left.map(({name}) => name), unknown};
  };
  t.deepEqual(names([], false), {chosen: ['a', 'b'], left: [], unknown: []});
  t.deepEqual(names([], true), {chosen: ['a', 'b'], left: ['c'], unknown: []});
  t.deepEqual(names(['b', 'd'], false), {chosen: ['b'], left: [], unknown: ['d']});
});

const event = (name: string, outage: number, failures: readonly string[] = []): EventResult => ({
  event: name,
  from: 0,
  to: 5_000,
  outage,
  requests: 3,
  lost: 1,
  streams: 2,
  broken: 0,
  both: 0,
  neither: 0,
  note: '',
  failures,
});
const report = (began: string, events: readonly EventResult[], site = 'namespaces'): DrillReport => ({
  version: 1,
  site,
  began,
  length: 5_000,
  passed: true,
  settings: {deadtime: '1'},
  events,
  holders: [
    {at: 0, director: 'director1', holds: true},
    {at: 900, director: 'director2', holds: true},
  ],
  roles: [{at: 0, director: 'director1', role: 'Active'}],
  connections: [{at: 100, active: {'10.99.0.11:80': 4}}],
  requests: [
    [100, 4, 'web1'],
    [200, 8, 'web2'],
    [300, 3_000, null],
  ],
});

test('percentiles are of answered requests; lost ones are counted', (t) => {
  const {requests} = report('2026-11-28T20:00:00.000Z', []);
  t.like(percentilesOf(requests, 0, 5_000), {count: 3, lost: 1, p50: 4, p99: 8, most: 8});
  t.deepEqual(percentilesOf(requests, 0, 250).servers, {web1: 1, web2: 1});
  t.like(percentilesOf(requests, 4_000, 5_000), {count: 0, lost: 0, p50: 0});
});

test('two reports are compared event by event', (t) => {
  const before = report('2026-11-27T20:00:00.000Z', [event('power loss', 1_200), event('gone', 1)]);
  const now = report('2026-11-28T20:00:00.000Z', [event('power loss', 1_100, ['x']), event('new', 1)]);
  t.deepEqual(
    compareReports(before, now).map(({event: name, outage, verdict}) => [name, outage, verdict]),
    [['power loss', [1_200, 1_100], 'failed now']],
  );
});

test('the page loads nothing, runs nothing, and shows foreign text as text', (t) => {
  const evil = `</title><script>alert("1")</script><img src=x onerror='a'>`;
  const page = renderPage(
    {
      ...report('2026-11-28T20:00:00.000Z', [event(evil, 10, [evil])]),
      settings: {[evil]: evil},
      site: evil,
      roles: [{at: 0, director: evil, role: evil}],
      connections: [{at: 0, active: {[evil]: 1}}],
      requests: [[1, 2, evil]],
    },
    report(evil, [event(evil, 10)]),
  );
  t.notRegex(page, /<(script|img|link|iframe|object)\b/i);
  t.notRegex(page, /<[^>]*\s(src|href|on\w+)\s*=|@import|url\(/i, 'an external reference or a handler');
  t.true(page.includes('&#60;script&#62;alert(&#34;1&#34;)'));
  t.regex(page, /default-src 'none'/);
});

test('the latest reports are kept with their pages, and compared with the previous one of the same site', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-reports-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const day = (number: number): string => `2026-11-${String(number).padStart(2, '0')}T20:00:00.000Z`;
  for (let number = 1; number <= KEPT + 2; number += 1)
    keepReport(folder, report(day(number), [event('power loss', number)]));
  const kept = keepReport(folder, report(day(29), [event('power loss', 29)], 'vagrant'));
  t.is(kept.previous, undefined, 'a report of another site is not compared');
  const again = keepReport(folder, report(day(30), [event('power loss', 30)]));
  t.is(again.previous?.began, day(KEPT + 2));
  const names = keptReports(folder);
  t.is(names.length, KEPT);
  t.is(readReport(folder, names.at(-1) ?? '')?.began, day(30));
  writeFileSync(path.join(folder, `${names[0]}.json`), '{"version":1}');
  t.is(readReport(folder, names[0] ?? ''), undefined, 'cut short');
  t.deepEqual(keptReports(path.join(folder, 'none')), []);
});

test('a report is compared with one that has a common event, not with an aborted drill', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-reports-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const kept = [
    report('2026-11-28T20:00:00.000Z', [event('power loss', 1)]),
    report('2026-11-28T21:00:00.000Z', [event('drill', 0, ['aborted'])]),
    report('2026-11-28T22:00:00.000Z', [event('power loss', 2)]),
  ].map((one) => keepReport(folder, one).previous?.began);
  t.deepEqual(kept, [undefined, undefined, '2026-11-28T20:00:00.000Z']);
});

test('an invalid report is rejected', (t) => {
  t.true(isReport(JSON.parse(JSON.stringify(report('2026-11-28T20:00:00.000Z', [event('x', 1)])))));
  for (const value of [null, 1, {}, {...report('', []), version: 2}, {...report('', []), events: [{}]}])
    t.false(isReport(value));
});

const healthy = {
  ready: {ready: true, reason: ''},
  processes: [{name: 'checks', state: 'running', restarts: 0}],
  virtuals: [{name: 'web', reals: [{check: 'up'}, {check: 'down'}, {check: 'fallback'}]}],
  engine: {peers: [{name: 'director2', state: 'up'}], groups: [{name: 'g', role: 'Active'}]},
} as unknown as StatusSnapshot;

test('a drill starts only on a healthy pair', (t) => {
  t.deepEqual(unhealthy(healthy), []);
  const engine = (more: object): StatusSnapshot =>
    ({...healthy, engine: {...healthy.engine, ...more}}) as unknown as StatusSnapshot;
  for (const [sick, wanted] of [
    [engine({peers: [{name: 'director2', state: 'late'}]}), 'the peer director2 is late'],
    [engine({peers: []}), 'no peer is configured'],
    [engine({groups: [{name: 'g', role: 'Initialize'}]}), 'group g has no role yet'],
    [{...healthy, ready: {ready: false, reason: 'no sync'}}, 'this director could not take over: no sync'],
    [{...healthy, processes: [{name: 'sync', state: 'dead', restarts: 1}]}, 'the process sync is dead'],
    [{...healthy, configProblem: 'ha.cf:1:1'}, 'configuration: ha.cf:1:1'],
    [{...healthy, configDifference: {peer: 'director2', count: 1}}, 'director2 has another configuration'],
    [
      engine({peers: [{name: 'director2', state: 'up', ready: false}]}),
      'the peer director2 could not take over',
    ],
  ] as const)
    t.deepEqual(unhealthy(sick as unknown as StatusSnapshot), [wanted]);
  const {engine: _, ...alone} = healthy;
  t.regex(unhealthy(alone as StatusSnapshot).join(), /no ha\.cf/);
});
