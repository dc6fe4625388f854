/** The drills that are safe on a pair that serves people: nothing fails there, and an operator does the same by hand. Pure. */

export interface SafeDrill {
  readonly name: string;
  readonly summary: string;
  /** The moves, in order; none: only looked at. */
  readonly moves: readonly ('standby' | 'failback')[];
}

export const safeDrills: readonly SafeDrill[] = [
  {
    name: 'standby',
    summary: 'every group to the peer and back; connections go on',
    moves: ['standby', 'failback'],
  },
  {name: 'health', summary: 'only what a drill asks first: could each director take over', moves: []},
];
