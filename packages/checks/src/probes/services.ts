/** The dialogue of each service. */
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {probeDns} from './dns.ts';
import {probeHttp} from './http.ts';
import {probeLdap} from './ldap.ts';
import {probeMysql} from './mysql.ts';
import {probePgsql} from './pgsql.ts';
import {probeRadius} from './radius.ts';
import {probeSip} from './sip.ts';

export type ServiceProbe = (spec: CheckSpec, limit: Millis, clock: Clock) => Promise<ProbeResult>;

export const services: ReadonlyMap<string, ServiceProbe> = new Map<string, ServiceProbe>([
  ['dns', probeDns],
  ['http', probeHttp],
  ['http_proxy', probeHttp],
  ['https', probeHttp],
  ['ldap', probeLdap],
  ['ldaps', probeLdap],
  ['mysql', probeMysql],
  ['pgsql', probePgsql],
  ['radius', probeRadius],
  ['sip', probeSip],
]);

/** Services that ldirectord gives checktimeout for the whole dialogue, not negotiatetimeout. */
export const withinCheckTimeout: ReadonlySet<string> = new Set(['ldap', 'ldaps', 'radius']);
