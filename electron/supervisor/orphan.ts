/** The training processes of a supervisor that died: they notice the end of their input, save and end. */
import { isAlive } from '../server/runs/process.ts';
import type { Claim } from './claim.ts';
import type { Log } from './log.ts';
import { killAll, processTree } from './process-tree.ts';

const POLL_MS = 150;
/** They get so long to save their work before they are ended by force. */
const PATIENCE_MS = 10 * 60_000;

/** Two attempts at once would spoil each other's files. `endAtOnce`: nobody wants its work any more. */
export async function waitForOrphan(claim: Claim, log: Log, endAtOnce: () => boolean): Promise<void> {
  const { orphan } = claim;
  if (!orphan) return;
  log(`waiting for process ${orphan.pid} of the last attempt to save its work`);
  const patience = performance.now() + PATIENCE_MS;
  while (isAlive(orphan)) {
    if (endAtOnce() || performance.now() > patience) killAll(processTree(orphan.pid));
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  claim.setRank(null);
}
