/** Drills that are safe on a production pair: nothing fails, and operators do the same manually. Pure. */

export interface SafeDrill {
  readonly name: string;
  readonly summary: string;
  /** The moves, in order; none: only the health is checked. */
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
