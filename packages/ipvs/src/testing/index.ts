export {makeMemoryIpvs} from './memory.ts';
