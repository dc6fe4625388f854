export {editHaCf} from './ha-edit.ts';
export {writtenHa} from './ha-lines.ts';
export {editHaresources} from './haresources-edit.ts';
export {
  editLdirectord,
  writtenGlobals,
  writtenVirtuals,
  type LdirectordEdit,
  type Setting,
  type WrittenVirtual,
} from './ldirectord-edit.ts';
