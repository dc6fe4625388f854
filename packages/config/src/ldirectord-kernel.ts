/** Settings that ldirectord accepts but the kernel's IPVS refuses, or that no check can ever pass. Pure. */
import ipaddr from 'ipaddr.js';
import {nearest} from './diagnostic.ts';
import type {RealServer, Span, VirtualService} from './model.ts';
import type {Reporter} from './reader.ts';

/** Linux' schedulers; a module of another name may still exist. */
export const schedulers: readonly string[] = [
  'rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'sed', 'nq', 'mh', 'fo', 'ovf', 'twos',
]; // prettier-ignore

/** Warnings, not errors: the rest of the table works. */
export function judgeForKernel(virtual: VirtualService, schedulerSpan: Span, reporter: Reporter): void {
  const {scheduler, checkType, service, request} = virtual;
  if (!schedulers.includes(scheduler))
    reporter.add(
      'warning',
      'unusable-value',
      schedulerSpan,
      `Linux has no scheduler ${scheduler}: without a module ip_vs_${scheduler} the kernel refuses this service`,
      `${nearest(scheduler, schedulers) === undefined ? '' : `did you mean ${nearest(scheduler, schedulers)}? `}one of ${schedulers.join(', ')}`,
    );
  for (const real of virtual.reals) judgeReal(real, reporter);
  const asksDns = (kind: string, of: string, asked: string | undefined): boolean =>
    (kind === 'negotiate' || kind === 'combined') && of === 'dns' && asked === undefined;
  const overrides = virtual.reals.some(({request: asked, check = {}}) =>
    asksDns((check.checkType ?? checkType).kind, check.service ?? service, check.request ?? asked ?? request),
  );
  if (overrides || (virtual.reals.length === 0 && asksDns(checkType.kind, service, request)))
    reporter.add(
      'warning',
      'missing-value',
      virtual.span,
      'service=dns without request: the check has no name to ask for, and can never pass',
      'write request="www.example.com", or checktype=connect',
    );
}

/** The beginnings of addresses that are not a host's, so that few of thousands of servers have to be parsed. */
const special = /^(?:0|22[4-9]|23\d|255|::|f[ef])/i;

function judgeReal({address, span, lowerThreshold, upperThreshold}: RealServer, reporter: Reporter): void {
  const range = special.test(address) && ipaddr.isValid(address) ? ipaddr.parse(address).range() : 'unicast';
  const kinds: Readonly<Record<string, string>> = {
    multicast: 'a multicast address',
    broadcast: 'the broadcast address',
    unspecified: 'not the address of a host',
  };
  const kind = kinds[range];
  if (kind !== undefined)
    reporter.add(
      'warning',
      'bad-address',
      span,
      `${address} is ${kind}: the kernel refuses it as a real server`,
      'write the address of one server',
    );
  if (range === 'linkLocal' && address.includes(':'))
    reporter.add(
      'warning',
      'bad-address',
      span,
      `${address} is a link-local address: neither a check nor IPVS can name the interface that it needs`,
      'write a global or unique local (fc00::/7) address',
    );
  if (lowerThreshold > upperThreshold)
    reporter.add(
      'warning',
      'unusable-value',
      span,
      upperThreshold === 0
        ? `l:${lowerThreshold} without u:: the kernel refuses a lower threshold without an upper one`
        : `l:${lowerThreshold} is above u:${upperThreshold}: the kernel refuses it`,
      'write u: with a higher number of connections, or remove l:',
    );
}
