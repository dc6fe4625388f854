/** Operators' overrides as both directors store and exchange them. */

/** Where an override applies: without `port` to every port of the address, without `virtual` in every virtual service. */
export interface Target {
  readonly address: string;
  readonly port?: number;
  readonly virtual?: string;
}

/** One override, and where it applies. */
export interface Order extends Target {
  readonly kind: 'drain' | 'weight' | 'maintenance';
  readonly weight?: number;
  readonly who: string;
  /** Wall clock, milliseconds: for people. */
  readonly when: number;
  readonly reason?: string;
}

/** A revocation: it keeps the other director, which may not know yet, from restoring the override. */
export interface Ended extends Target {
  readonly kind: Order['kind'];
  /** Wall clock, milliseconds. */
  readonly when: number;
}

export interface OrderState {
  readonly orders: readonly Order[];
  readonly ended: readonly Ended[];
}
