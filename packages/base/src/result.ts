/** Either a value or a fault that the caller must look at. Used for faults of a peer or an operator. */
export type Result<T, F> = {readonly ok: true; readonly value: T} | {readonly ok: false; readonly fault: F};

/** A successful result. */
export const ok = <T>(value: T): {readonly ok: true; readonly value: T} => ({ok: true, value});

/** A failed result. */
export const fail = <F>(fault: F): {readonly ok: false; readonly fault: F} => ({ok: false, fault});
