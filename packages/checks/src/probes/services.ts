/** The probe of each service; for a service not listed here the check only connects. */
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {probeDns} from './dns.ts';
import {probeFtp} from './ftp.ts';
import {probeHttp} from './http.ts';
import {probeImap} from './imap.ts';
import {probeLdap} from './ldap.ts';
import {probeMysql} from './mysql.ts';
import {probeNntp} from './nntp.ts';
import {probePgsql} from './pgsql.ts';
import {probePop} from './pop.ts';
import {probeRadius} from './radius.ts';
import {probeSendExpect} from './send-expect.ts';
import {probeSimpleTcp} from './simpletcp.ts';
import {probeSip} from './sip.ts';
import {probeSmtp} from './smtp.ts';

export type Probe = (spec: CheckSpec, limit: Millis, clock: Clock) => Promise<ProbeResult>;

export const serviceProbes: Readonly<Record<string, Probe | undefined>> = {
  dns: probeDns,
  ftp: probeFtp,
  http: probeHttp,
  http_proxy: probeHttp,
  https: probeHttp,
  imap: probeImap,
  imaps: probeImap,
  ldap: probeLdap,
  ldaps: probeLdap,
  mysql: probeMysql,
  nntp: probeNntp,
  pgsql: probePgsql,
  pop: probePop,
  pops: probePop,
  radius: probeRadius,
  'send-expect': probeSendExpect,
  simpletcp: probeSimpleTcp,
  sip: probeSip,
  smtp: probeSmtp,
  submission: probeSmtp,
};

/** Services for which ldirectord limits the whole dialogue by checktimeout, not negotiatetimeout. */
export const withinCheckTimeout: ReadonlySet<string> = new Set(['ldap', 'ldaps', 'radius']);
