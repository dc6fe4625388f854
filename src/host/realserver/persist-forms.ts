/** The network tools for which persistent files can be written; a file of its own so that the command line loads nothing else. */
export const persistForms = [
  'ifupdown', 'networkmanager', 'networkd', 'netplan', 'ifcfg', 'sysctl.d', 'windows',
] as const; // prettier-ignore

export type Persist = (typeof persistForms)[number];
