/** `npm run graph`: the import drawing of src for docs/architecture.md. */
import {drawing} from './import-graph.ts';
import {ladder} from './ladder.ts';

process.stdout.write(drawing(ladder) + '\n');
