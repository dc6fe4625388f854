/** The dialogue of each service. */
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {probeFtp} from './ftp.ts';
import {probeHttp} from './http.ts';
import {probeImap} from './imap.ts';
import {probeNntp} from './nntp.ts';
import {probePop} from './pop.ts';
import {probeSendExpect} from './send-expect.ts';
import {probeSimpleTcp} from './simpletcp.ts';
import {probeSmtp} from './smtp.ts';

export type ServiceProbe = (spec: CheckSpec, limit: Millis, clock: Clock) => Promise<ProbeResult>;

export const services: ReadonlyMap<string, ServiceProbe> = new Map<string, ServiceProbe>([
  ['ftp', probeFtp],
  ['http', probeHttp],
  ['https', probeHttp],
  ['imap', probeImap],
  ['imaps', probeImap],
  ['nntp', probeNntp],
  ['pop', probePop],
  ['pops', probePop],
  ['send-expect', probeSendExpect],
  ['simpletcp', probeSimpleTcp],
  ['smtp', probeSmtp],
  ['submission', probeSmtp],
]);
