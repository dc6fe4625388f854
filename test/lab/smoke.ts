/** Smoke test of the lab: the kernel, its IPVS through our client, and ipvsadm's view of it. */
import {execFileSync} from 'node:child_process';
import {openKernelIpvs} from '@hactl/ipvs';

const ipvs = await openKernelIpvs();
console.log(process.version, execFileSync('uname', ['-r'], {encoding: 'utf8'}).trim(), await ipvs.version());
const key = {kind: 'address', family: 4, protocol: 'tcp', address: '10.0.0.100', port: 80} as const;
await ipvs.apply({
  type: 'new-service',
  service: {
    key,
    scheduler: 'rr',
    flags: {ops: false, flag1: false, flag2: false, flag3: false},
    persistent: 100,
    netmask: 24,
  },
});
await ipvs.apply({
  type: 'new-dest',
  key,
  destination: {
    family: 4,
    address: '10.0.0.1',
    port: 80,
    forward: 'gate',
    weight: 3,
    upperThreshold: 0,
    lowerThreshold: 0,
  },
});
console.log(execFileSync('ipvsadm', ['-Ln'], {encoding: 'utf8'}));
console.log(
  JSON.stringify(await ipvs.list(), (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  ),
);
await ipvs.flush();
ipvs.close();
