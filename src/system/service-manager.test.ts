/** The notifications that systemd would receive. */
import test from 'ava';
import {openServiceManager} from './service-manager.ts';

function listen() {
  const heard: string[] = [];
  return {heard, manager: openServiceManager((text) => heard.push(text))};
}

test('READY comes with the first readiness, and once', (t) => {
  const {heard, manager} = listen();
  manager.readiness(false, 'starting');
  manager.readiness(true, 'table programmed');
  manager.readiness(true, 'table programmed');
  manager.readiness(false, 'IPVS: lost\nREADY=1');
  manager.readiness(true, 'table programmed');
  t.deepEqual(heard, [
    'STATUS=waits: starting',
    'READY=1\nSTATUS=serves: table programmed',
    'STATUS=waits: IPVS: lost READY=1',
    'STATUS=serves: table programmed',
  ]);
});

test('a start that has waited long enough is READY, and the status still says what it waits for', (t) => {
  const {heard, manager} = listen();
  manager.readiness(false, 'IPVS: lost', false);
  manager.readiness(false, 'IPVS: lost', true);
  manager.readiness(false, 'IPVS: lost', true);
  manager.readiness(true, 'table programmed', true);
  t.deepEqual(heard, [
    'STATUS=waits: IPVS: lost',
    'READY=1\nSTATUS=waits: IPVS: lost',
    'STATUS=serves: table programmed',
  ]);
});

test('a start that takes long is given time while the loop is alive, and no longer than until READY', (t) => {
  const {heard, manager} = listen();
  manager.alive();
  manager.alive();
  manager.readiness(true, 'table programmed');
  manager.alive();
  t.deepEqual(heard, [
    'WATCHDOG=1\nEXTEND_TIMEOUT_USEC=30000000',
    'WATCHDOG=1\nEXTEND_TIMEOUT_USEC=30000000',
    'READY=1\nSTATUS=serves: table programmed',
    'WATCHDOG=1',
  ]);
});

test('the loop is alive, until and after STOPPING; nothing makes it ready again', (t) => {
  const {heard, manager} = listen();
  manager.readiness(true, 'table programmed');
  heard.length = 0;
  manager.alive();
  manager.stopping();
  manager.stopping();
  manager.readiness(true, 'late');
  manager.alive();
  t.deepEqual(heard, [
    'WATCHDOG=1',
    'STOPPING=1\nSTATUS=stopping: addresses go to the peer first',
    'WATCHDOG=1',
  ]);
});
