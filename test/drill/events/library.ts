/** All drills: the default ones first, in the order in which they run. */
import type {Drill} from '../../../src/drill/event.ts';
import type {Scene} from '../scene.ts';
import {freeze, idle, kill, powerCycle, powerLoss, standby, upgrade} from './directors.ts';
import {brokenFile, clockStep, diskFull, memory, reboot} from './machine.ts';
import {carrier, flap, gateway, oneWay, partition, stolen, syncLoss} from './network.ts';
import {allServers, serverCrash, serverHang, serverWrong} from './servers.ts';

export const library: readonly Drill<Scene>[] = [
  idle,
  serverCrash,
  kill,
  brokenFile,
  powerLoss,
  standby,
  serverHang,
  serverWrong,
  upgrade,
  freeze,
  carrier,
  flap,
  gateway,
  oneWay,
  partition,
  stolen,
  syncLoss,
  diskFull,
  clockStep,
  memory,
  reboot,
  allServers,
  powerCycle,
];
