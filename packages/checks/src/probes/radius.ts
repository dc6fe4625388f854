/** service=radius: an Access-Request with login and passwd (PAP), signed with `secret`; Access-Accept passes. */
import {randomBytes, randomInt} from 'node:crypto';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {
  decodeRadiusAnswer,
  encodeAccessRequest,
  PASSWORD_MAX,
  type AccessRequest,
  type RadiusAnswer,
} from './radius-packet.ts';
import type {Finding} from './tcp-check.ts';
import {overUdp} from './udp-check.ts';

/** The finding for an answer. */
export function judgeRadius(answer: RadiusAnswer | 'forged', login: string): Finding {
  if (answer === 'forged')
    return {passed: false, reason: 'but the answer is signed with another secret than secret='};
  const words = answer.message === '' ? '' : `: ${JSON.stringify(answer.message.slice(0, 80))}`;
  switch (answer.kind) {
    case 'accept':
      return {passed: true, reason: `Access-Accept for ${login}`};
    case 'reject':
      return {
        passed: false,
        reason: `Access-Reject for ${login}${words}: login or passwd is wrong, or not allowed`,
      };
    case 'challenge':
      return {
        passed: false,
        reason: `Access-Challenge for ${login}${words}: the account wants a second factor`,
      };
    case 'other':
      return {passed: false, reason: 'but not with an answer to an Access-Request'};
  }
}

export function probeRadius(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  const {login, passwd = '', secret} = spec;
  const refuse = (reason: string): Promise<ProbeResult> => Promise.resolve({passed: false, reason, took: 0});
  if (!login) return refuse('service radius needs a login=');
  if (!secret) return refuse('service radius needs a secret=');
  if (Buffer.byteLength(passwd) > PASSWORD_MAX || Buffer.byteLength(login) > 253)
    return refuse('login or passwd is longer than RADIUS can carry');
  let request: AccessRequest | undefined;
  return overUdp(
    spec,
    limit,
    clock,
    ({address}) => {
      request = {
        id: randomInt(256),
        authenticator: randomBytes(16),
        secret,
        login,
        passwd,
        nasAddress: address,
      };
      return encodeAccessRequest(request);
    },
    (datagram) => {
      const answer = request && decodeRadiusAnswer(datagram, request);
      return answer && judgeRadius(answer, login);
    },
    ' (a RADIUS server does not answer a client that it does not know, or one with another secret=)',
  );
}
