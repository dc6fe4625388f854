export {makeMemoryIpvs, noStatistics} from './memory.ts';
