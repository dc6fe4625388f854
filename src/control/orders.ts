/** An operator's overrides as both directors keep and exchange them. */

/** Where an order applies: without `port` at every port of the address, without `virtual` in every one. */
export interface Target {
  readonly address: string;
  readonly port?: number;
  readonly virtual?: string;
}

/** One order, and where it applies. */
export interface Order extends Target {
  readonly kind: 'drain' | 'weight' | 'maintenance';
  readonly weight?: number;
  readonly who: string;
  /** Wall clock, milliseconds: for people. */
  readonly when: number;
  readonly reason?: string;
}

/** An override was revoked: the other director, which may not know yet, must not bring it back. */
export interface Ended extends Target {
  readonly kind: Order['kind'];
  /** Wall clock, milliseconds. */
  readonly when: number;
}

export interface OrderState {
  readonly orders: readonly Order[];
  readonly ended: readonly Ended[];
}
