/** A drill's report without events, for tests of what is added to it. */
import type {DrillReport} from '../../src/drill/report.ts';

export const emptyReport: DrillReport = {
  version: 1,
  site: 'namespaces',
  began: '2026-11-29T09:00:00.000Z',
  length: 1,
  passed: true,
  settings: {},
  events: [],
  holders: [],
  roles: [],
  connections: [],
  requests: [],
};
