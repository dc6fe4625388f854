import test from 'ava';
import {compareTables, parseTable} from './tables.ts';

const head =
  'IPVS connection entries\npro expire state       source             virtual            destination\n';
const dump = (...lines: string[]) => parseTable(head + lines.join('\n') + '\n');
const live = 'TCP 14:59  ESTABLISHED 10.99.0.10:4000    10.99.0.100:7000   10.99.0.11:7000';
const template = 'TCP 04:59  NONE        10.99.0.10:0       10.99.0.100:7002   10.99.0.12:7002';
const six = 'TCP 14:59  ESTABLISHED [fd00:99::10]:4001 [fd00:99::100]:7000 [fd00:99::11]:7000';
const gone = 'TCP 01:59  FIN_WAIT    10.99.0.10:4002    10.99.0.100:7000   10.99.0.11:7000';

test('a dump is parsed into keys and states, including IPv6 and templates', (t) => {
  t.deepEqual(dump(live, template, six), [
    {key: 'TCP 10.99.0.10:4000 10.99.0.100:7000 10.99.0.11:7000', state: 'ESTABLISHED'},
    {key: 'TCP 10.99.0.10:0 10.99.0.100:7002 10.99.0.12:7002', state: 'NONE'},
    {key: 'TCP [fd00:99::10]:4001 [fd00:99::100]:7000 [fd00:99::11]:7000', state: 'ESTABLISHED'},
  ]);
});

test('live connections must be in both, closing ones are only counted', (t) => {
  const found = compareTables(dump(live, gone, six), dump(live, template));
  t.is(found.same, 1);
  t.deepEqual(found.onlyFirst, ['TCP [fd00:99::10]:4001 [fd00:99::100]:7000 [fd00:99::11]:7000']);
  t.deepEqual(found.onlySecond, ['TCP 10.99.0.10:0 10.99.0.100:7002 10.99.0.12:7002']);
  t.is(found.ending, 1);
});

test('the same client on another real server is a difference', (t) => {
  const found = compareTables(dump(live), dump(live.replace('99.0.11', '99.0.12')));
  t.deepEqual([found.same, found.onlyFirst.length, found.onlySecond.length], [0, 1, 1]);
});
