/** `npm run drill -- --site vagrant`: the drill on the machines of vagrant/Vagrantfile, over ssh. */
import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {makeWebs} from '../lab/nginx.ts';
import {runDrill} from './run.ts';
import {makeSshSite} from './ssh.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-vagrant-'));
const config = path.join(folder, 'ssh-config');
let text: string;
try {
  text = execFileSync('vagrant', ['ssh-config'], {cwd: path.join(checkout, 'vagrant'), encoding: 'utf8'});
} catch (error) {
  process.stderr.write(
    `vagrant ssh-config failed: are the machines up? cd vagrant && vagrant up\n${String(error)}\n`,
  );
  process.exit(1);
}
writeFileSync(config, text);
const site = makeSshSite({
  config,
  checkout,
  remoteCheckout: '/opt/hactl',
  addresses: {director1: '10.99.1.2', director2: '10.99.1.3', web1: '10.99.1.11', web2: '10.99.1.12'},
  webs: ['web1', 'web2'],
  vip: '10.99.1.100',
});
// The drill starts its own daemons and servers in the place of the machines'.
for (const host of ['director1', 'director2']) await site.run(host, ['systemctl', 'stop', 'hactld']);
for (const host of site.webs) await site.run(host, ['systemctl', 'stop', 'nginx']);
const passed = await runDrill({
  site,
  keepalive: '200ms',
  deadtime: '1',
  streams: 20,
  web: makeWebs(site),
  say: (line) => process.stdout.write(`${line}\n`),
  logs: false,
  judgeTimes: true,
});
for (const host of site.webs) await site.run(host, ['systemctl', 'start', 'nginx']);
for (const host of ['director1', 'director2']) await site.run(host, ['systemctl', 'start', 'hactld']);
await site.destroy();
rmSync(folder, {recursive: true, force: true});
process.exit(passed ? 0 : 1);
