/**
 * A process for tests: locks the folder it is given, reports, and stays until it is ended. It keeps no reference to the
 * lock and, started with --expose-gc, collects garbage.
 */
import { lockFolder } from '../lock/lock-folder.ts';

const [folder = ''] = process.argv.slice(2);
try {
  lockFolder(folder);
  process.send?.('locked');
} catch (error) {
  process.send?.(String(error));
}
setInterval(() => globalThis.gc?.(), 10);
