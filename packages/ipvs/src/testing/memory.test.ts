import test from 'ava';
import {contract} from './contract.ts';
import {makeMemoryIpvs} from './index.ts';

for (const {title, check} of contract)
  test(title, async (t) => {
    await check(t, makeMemoryIpvs());
  });
