/**
 * Time limits of everything that src waits for, in milliseconds, from the inside out: a waiter times out later than what it
 * waits for, or it would report a failure of something that still succeeds. limits.test.ts asserts the order. The engine's own
 * limits are in packages/failover/src/machine/intervals.ts; polling and retry intervals stay with their subject.
 */

// Programs run by the supervisor.

/** A command of the configuration: callback, fallback command, fencing of this machine itself. */
export const COMMAND_LIMIT_MS = 60_000;
/** One attempt to notify a webhook or an alert command. */
export const NOTIFY_LIMIT_MS = 10_000;
/** One attempt to send log lines to an OpenTelemetry collector. */
export const OTLP_LIMIT_MS = 3_000;
/** Each stage of sending a mail: connect, greeting, an answer. */
export const MAIL_LIMIT_MS = 10_000;
/** Loading ip_vs: it is needed for the table, and for nothing else. */
export const MODPROBE_LIMIT_MS = 30_000;
/** Time from SIGTERM to SIGKILL for a program that must end. */
export const TERM_GRACE_MS = 5_000;
/** A trial of setpriv, which only calls the kernel. */
export const SETPRIV_LIMIT_MS = 5_000;
/** Query of the kernel, through a shell, whether another user may run a program. */
export const ACCESS_LIMIT_MS = 2_000;
/** A DNS lookup. */
export const NAME_LOOKUP_LIMIT_MS = 3_000;

// The supervisor and its children.

/** The engine's status: if the answer takes longer, its last report is shown. */
export const ENGINE_STATUS_LIMIT_MS = 300;
/** A planned move; the engine itself gives up before. */
export const ENGINE_MOVE_LIMIT_MS = 55_000;
/** From `stop` to SIGKILL: the engine hands its addresses over first. */
export const ENGINE_STOP_LIMIT_MS = 8_000;
/** The same for checks and sync. */
export const CHILD_STOP_LIMIT_MS = 2_000;
/**
 * Time for the sync process to get every connection to the peer before a planned move. It takes some 30 ms, and
 * longer on a machine without processor time, such as a small one that unpacks a package.
 */
export const SYNC_BARRIER_LIMIT_MS = 2_000;
/** Beyond that limit the sync process itself no longer answers. */
export const SYNC_SILENCE_LIMIT_MS = 200;
/** Mails and notifications in flight when the director stops. */
export const LAST_MAIL_LIMIT_MS = 5_000;

// The launcher (hactld) and its supervisor.

/** From SIGTERM, or the supervisor's last report that it is still stopping, to SIGKILL. */
export const SUPERVISOR_STOP_LIMIT_MS = 20_000;
/** Stop of an orphaned supervisor, for whose lock its successor waits. */
export const ORPHAN_LIMIT_MS = 20_000;
/** Then a director that is not ready is reported to systemd as started: the peer has its addresses. */
export const READY_LIMIT_MS = 60_000;
/** A director that does not serve by then may never do so: its spares are loaded without waiting for it. */
export const SETTLE_LIMIT_MS = 10_000;
/** Extension of systemd's start timeout while the loop is alive, so that slow machines come up too. */
export const START_EXTENSION_MS = 30_000;
/** A spare supervisor's answer to itself, while it goes through a start: an emulated machine takes seconds. */
export const REHEARSAL_LIMIT_MS = 10_000;

// One supervisor and the other.

/** To connect. */
export const PEER_CONNECT_LIMIT_MS = 3_000;
/** A request that the peer's supervisor answers by itself: facts, events, overrides. */
export const PEER_ASK_LIMIT_MS = 5_000;
/** On the answering side: the TLS handshake. */
export const PEER_HANDSHAKE_LIMIT_MS = 5_000;
/** On the answering side: maximum lifetime of a connection. */
export const PEER_REQUEST_LIMIT_MS = 90_000;
/** A push: the peer loads and validates the files. */
export const PUSH_PREPARE_LIMIT_MS = 30_000;
/** A push: the peer applies the files, or undoes them. */
export const PUSH_COMMIT_LIMIT_MS = 60_000;
/** A push whose answer was lost: query its state. */
export const PUSH_OUTCOME_LIMIT_MS = 3_000;
/** The peer forgets files that are neither committed nor aborted. */
export const PUSH_PREPARED_LIMIT_MS = 60_000;

// A director that joins (hactl invite and join).

/** On the inviting side: to present the token and send the request. */
export const INVITED_ASK_LIMIT_MS = 5_000;
/** On the joining side: until the files are there. */
export const JOIN_FILES_LIMIT_MS = 30_000;
/** On the inviting side: the files are validated and written, and hactld is started. */
export const JOIN_OUTCOME_LIMIT_MS = 180_000;

// The control socket, on the answering side.

/** A refused client may read why. */
export const REFUSAL_LIMIT_MS = 1_000;
/** `events` with `wait`: longest time without an event. */
export const EVENTS_WAIT_LIMIT_MS = 30_000;

// Commands (hactl, heartbeat, ldirectord, the console): the supervisor's answer.

/** A daemon that may not be running. */
export const PROBE_LIMIT_MS = 2_000;
/** Answered from the supervisor's state. */
export const ASK_LIMIT_MS = 5_000;
/** Answered by the peer, through this director. */
export const ASK_PEER_LIMIT_MS = 8_000;
/** An override: in force here, on disk, and known to the peer. */
export const ORDER_LIMIT_MS = 10_000;
/** How long `events` asks the daemon to wait for the next event. */
export const FOLLOW_WAIT_MS = 20_000;
/** The configuration is loaded and validated. */
export const LOAD_LIMIT_MS = 30_000;
/** The configuration is written and applied. */
export const CONFIG_LIMIT_MS = 60_000;
/** Both directors apply a configuration, or neither. */
export const PUSH_LIMIT_MS = 240_000;
export const MOVE_LIMIT_MS = 60_000;
/** A listing or status of resources: agents may have to run. */
export const RESOURCE_STATUS_LIMIT_MS = 30_000;
/** A resource is started or stopped manually; each operation has its own limit in ha.cf. */
export const RESOURCE_LIMIT_MS = 900_000;
export const RESYNC_LIMIT_MS = 120_000;
/** A drill waits until the pair is ready. */
export const PAIR_READY_LIMIT_MS = 60_000;
/** Before a drill: for transient conditions (a late advert, the sync after a move). */
export const PAIR_HEALTH_LIMIT_MS = 15_000;
/** One program of a support bundle. */
export const BUNDLE_LIMIT_MS = 20_000;
/** A started daemon answers. */
export const START_LIMIT_MS = 60_000;
/** heartbeat stop: resources may take their time. The unit's TimeoutStopSec is the same. */
export const STOP_LIMIT_MS = 900_000;
/** ldirectord stop: there are no resources. The unit's TimeoutStopSec is the same. */
export const LDIRECTORD_STOP_LIMIT_MS = 60_000;

/** A request to the console, from its first octet to its last; a TLS handshake too. */
export const BROWSER_REQUEST_LIMIT_MS = 10_000;
/** A connection to the console without an octet in either direction. */
export const BROWSER_SILENCE_LIMIT_MS = 20_000;
