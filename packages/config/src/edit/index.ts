export {editHaCf, editHaresources, writtenHa} from './ha-edit.ts';
export {
  editLdirectord,
  writtenGlobals,
  writtenVirtuals,
  type LdirectordEdit,
  type Setting,
  type WrittenVirtual,
} from './ldirectord-edit.ts';
