export {characterName, printable} from '@hactl/base/printable';
