/** Every interval the machine uses, computed here and nowhere else. Milliseconds. Pure. */
import {doubling, type Millis} from '@hactl/base';
import type {EngineConfig} from '../messages.ts';

/**
 * RFC 9568's skew time: of two Backups the lower priority waits a little longer. At most a quarter of an advert interval. A pair
 * has no two Backups once one of them is dead.
 */
export function skewTime(config: EngineConfig, nodeIndex: number): Millis {
  return config.nodes.length <= 2 ? 0 : (config.keepalive / 4) * (nodeIndex / config.nodes.length);
}

/**
 * A timer of the runtime is up to this late although the process runs: it counts in whole milliseconds, and from the start of
 * a turn.
 */
const TIMER_GRAIN: Millis = 2;

/** A timer later than this: the process did not run, and adverts sent meanwhile may not have arrived yet. */
export const oversleptTime = (config: EngineConfig): Millis => Math.max(config.keepalive, TIMER_GRAIN);

/** Silence after which the peer is considered dead. */
export const activeDownInterval = (config: EngineConfig, nodeIndex: number): Millis =>
  config.deadtime + skewTime(config, nodeIndex);

/** With a shorter deadtime the peer's kernel is asked before the peer counts as dead. */
const QUICK_DEADTIME: Millis = 50;

/**
 * At the fastest settings a process that does not run for a few milliseconds is as silent as a dead machine. Its kernel tells
 * them apart: it answers ARP meanwhile, and serves the addresses.
 */
export const asksKernel = (config: EngineConfig): boolean => config.deadtime < QUICK_DEADTIME;

/** How long a kernel's answer may take: a round trip on a LAN, and the grain of our timer. */
export const KERNEL_ANSWER: Millis = 2;

/** A late timer must not put off the peer's death: this much before it the question is due. */
const KERNEL_QUESTION: Millis = KERNEL_ANSWER + 1;

/** How long an answer counts as a sign of life: longer than an advert, because on a busy machine the next may come late. */
export const kernelAnswerHolds = (config: EngineConfig): Millis => 4 * config.deadtime;

/** The question is due so long before the peer counts as dead. One whose kernel has answered is given more time for the next. */
export const kernelQuestionLead = (config: EngineConfig, answered: boolean): Millis =>
  answered ? config.deadtime : KERNEL_QUESTION;

/**
 * After a claim of a silent peer its adverts are waited for: a process that was suspended announces its addresses first, and
 * then sends the advert.
 */
export const claimPrecedesAdvert = (config: EngineConfig): Millis => config.keepalive + TIMER_GRAIN;

/** Silence after which a peer whose kernel answers is considered dead all the same. */
export const stalledTime = (config: EngineConfig): Millis => 10 * config.deadtime;

/**
 * How long a director that just started listens for the others: initdead. Where a silent peer's kernel is asked, at least as long as a
 * stalled peer is given, because the kernel of one that was never heard cannot be asked: with an initdead of 5 ms a returning director
 * took the address without having heard an Active that did not run for 9 ms.
 */
export const initTime = (config: EngineConfig): Millis =>
  asksKernel(config) ? Math.max(config.initdead, stalledTime(config)) : config.initdead;

/** How far the peer's echo may lag behind our sequence while it still counts as hearing us. */
export const echoWindow = (config: EngineConfig): bigint =>
  BigInt(Math.ceil(config.deadtime / config.keepalive) + 1);

/** For a preemption the peer must have heard one of our last few adverts. */
export const FRESH_ECHO = 3n;

/**
 * A peer's advert that arrives this long after ours must echo ours: a round trip on a LAN, with margin at the fastest
 * intervals.
 */
export const echoTime = (config: EngineConfig): Millis =>
  config.keepalive < 20 ? Math.max(1.5 * config.keepalive, TIMER_GRAIN + 1) : 0.75 * config.keepalive;

/** After a pause we listen this long before we act as Active again. */
export const listenOnlyTime = (config: EngineConfig): Millis => 2 * config.keepalive;

/** A group that nobody holds although the preferred director is alive: after this long the other takes it. */
export const vacancyTime = (config: EngineConfig): Millis => 2 * config.deadtime;

/** A handover that the peer does not answer is cancelled. */
export const HANDOVER_LIMIT: Millis = 5_000;

/** An operator's move not complete by then is reported as failed. */
export const MOVE_LIMIT: Millis = 10_000;

/** The same if cold resources must start at the peer first, each with its own time limit. */
export const COLD_MOVE_LIMIT: Millis = 50_000;

/** A stop waits this long for the peer to take over before it releases anyway. */
export const STOP_LIMIT: Millis = 500;

/** Pause after resources failed to start. */
export const PREPARE_RETRY: Millis = 1_000;

/** Pause after the n-th consecutive refusal by the kernel. */
export const acquireRetry = (count: number): Millis => doubling(count, {first: 1_000, most: 30_000});

/** Heartbeat of last resort: announcement interval of an Active whose peer is silent but was seen on the LAN. */
export const lastResortInterval = (config: EngineConfig): Millis => Math.max(20, 0.9 * config.deadtime);

/**
 * Announcement interval (one address per group) of an Active whose peer went silent without announcing its shutdown: the peer
 * may be Active too, on the other side of a LAN that was partitioned and has healed. No more often, because the peer may be
 * off for days.
 */
export const suspicionInterval = (config: EngineConfig): Millis =>
  Math.max(1_000, lastResortInterval(config));

/** How long after its last claim on the LAN the peer counts as alive. */
export const lastResortDead = (config: EngineConfig): Millis => 4 * lastResortInterval(config);

/** Renewal interval of a leased address: three chances within a lease. */
export const renewInterval = (config: EngineConfig): Millis => Math.max(100, config.vipLease / 4);

/** A peer heard by heartbeat this recently needs no other proof for a new claim on the LAN. */
export const heardLatelyTime = (config: EngineConfig): Millis => 5 * config.deadtime;
