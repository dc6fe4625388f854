/** The tools for whose next boot files can be written; apart, so that the command line knows them without the rest. */
export const persistForms = [
  'ifupdown', 'networkmanager', 'networkd', 'netplan', 'ifcfg', 'sysctl.d', 'windows',
] as const; // prettier-ignore

export type Persist = (typeof persistForms)[number];
