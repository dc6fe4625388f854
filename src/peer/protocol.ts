/** Sizes on the channel between the two supervisors; its commands are in src/control/peer-commands.ts. */
/** The largest frame, in octets: a status, or all configuration files. */
export const MAX_MESSAGE = 8 << 20;
/** Of a greeting: all that somebody unknown may send. */
export const MAX_GREETING = 256;
