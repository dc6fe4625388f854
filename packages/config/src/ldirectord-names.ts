/** The directives of ldirectord.cf, by the place where they are allowed. Pure. */

export const globalOnly = new Set([
  'autoreload', 'callback', 'logfile', 'execute', 'supervised', 'fork', 'readdquiescent', 'emailalertfrom',
  'maintenancedir',
]); // prettier-ignore

/** Allowed in both places: a global one is the default of every virtual service. */
export const shared = new Set([
  'checktimeout', 'negotiatetimeout', 'checkinterval', 'checkcount', 'failurecount', 'fallback', 'fallback6', 'fallbackcommand',
  'quiescent', 'emailalert', 'emailalertfreq', 'emailalertstatus', 'smtp', 'cleanstop',
]); // prettier-ignore

export const virtualOnly = new Set([
  'real', 'real6', 'checktype', 'service', 'checkcommand', 'checkport', 'request', 'receive', 'httpmethod',
  'virtualhost', 'login', 'passwd', 'database', 'secret', 'load', 'scheduler', 'schedflags', 'persistent', 'netmask',
  'protocol', 'ops', 'monitorfile', 'servicename', 'comment',
  'hactl_send', 'hactl_send_program', 'hactl_expect', 'hactl_expect_regex', 'hactl_rise', 'hactl_status', 'hactl_check', 'hactl_mysql_key',
]); // prettier-ignore
/** hactl's extensions: ldirectord refuses them, and so does strict mode. */
export const isOurs = (name: string): boolean => name.startsWith('hactl_');

/** Old names that ldirectord refuses with an explanation. */
export const refused = new Set(['timeout', 'connecttimeout']);
/** Lines that begin a block. */
export const heads = new Set(['virtual', 'virtual6']);
export const isKnown = (name: string): boolean =>
  heads.has(name) || globalOnly.has(name) || shared.has(name) || virtualOnly.has(name) || refused.has(name);
export const mayStandInVirtual = (name: string): boolean => virtualOnly.has(name) || shared.has(name);
export const allNames = [...heads, ...globalOnly, ...shared, ...virtualOnly];
